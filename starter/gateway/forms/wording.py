"""The forms' own words, in the product's six languages; everything else a form says is the shop's."""

from typing import NamedTuple

from starter.gateway.forms.reading import Fault


class Words(NamedTuple):
    """What a form says by itself; from `missing` on, what is wrong with a field."""

    optional: str
    choose: str
    submit: str
    thanks: str
    mistakes: str
    again: str
    too_many: str
    leave_empty: str
    missing: str
    unticked: str
    email: str
    phone: str
    date: str
    option: str
    long: str
    contact: str

    def of(self, fault: Fault) -> str:
        """Say what is wrong with a field."""
        return str(getattr(self, fault.value))


WORDS = {
    "en": Words(
        "optional",
        "Choose one",
        "Send",
        "Thank you. We have received it.",
        "Please correct this:",
        "It was not sent yet. Please send it once more.",
        "That was too often. Please wait a minute and send it again.",
        "Leave this empty",
        "Fill this in",
        "Tick this box",
        "Enter an e-mail address, like anna@mail.example",
        "Enter a phone number, with + and the country’s code",
        "Enter a date",
        "Choose one of the list",
        "This is too long",
        "Enter an e-mail address or a phone number",
    ),
    "pl": Words(
        "nieobowiązkowe",
        "Wybierz",
        "Wyślij",
        "Dziękujemy. Otrzymaliśmy formularz.",
        "Popraw, proszę:",
        "Formularz nie został jeszcze wysłany. Wyślij go ponownie.",
        "Zbyt wiele prób. Poczekaj minutę i wyślij ponownie.",
        "Zostaw puste",
        "Wypełnij to pole",
        "Zaznacz to pole",
        "Podaj adres e-mail, na przykład anna@mail.example",
        "Podaj numer telefonu ze znakiem + i kodem kraju",
        "Podaj datę",
        "Wybierz coś z listy",
        "Za długi tekst",
        "Podaj adres e-mail lub numer telefonu",
    ),
    "fr": Words(
        "facultatif",
        "Choisir",
        "Envoyer",
        "Merci. Nous avons bien reçu le formulaire.",
        "À corriger :",
        "Le formulaire n’est pas encore envoyé. Veuillez l’envoyer de nouveau.",
        "Trop d’essais. Patientez une minute, puis envoyez de nouveau.",
        "Laisser vide",
        "Remplissez ce champ",
        "Cochez cette case",
        "Indiquez une adresse e-mail, par exemple anna@mail.example",
        "Indiquez un numéro de téléphone avec + et l’indicatif du pays",
        "Indiquez une date",
        "Choisissez dans la liste",
        "Ce texte est trop long",
        "Indiquez une adresse e-mail ou un numéro de téléphone",
    ),
    "de": Words(
        "freiwillig",
        "Bitte wählen",
        "Senden",
        "Danke. Wir haben das Formular erhalten.",
        "Bitte berichtigen:",
        "Das Formular wurde noch nicht gesendet. Bitte senden Sie es noch einmal.",
        "Das war zu oft. Bitte warten Sie eine Minute und senden Sie noch einmal.",
        "Dieses Feld leer lassen",
        "Bitte ausfüllen",
        "Bitte ankreuzen",
        "Geben Sie eine E-Mail-Adresse ein, wie anna@mail.example",
        "Geben Sie eine Telefonnummer mit + und Landesvorwahl ein",
        "Geben Sie ein Datum ein",
        "Bitte aus der Liste wählen",
        "Der Text ist zu lang",
        "Geben Sie eine E-Mail-Adresse oder eine Telefonnummer ein",
    ),
    "vi": Words(
        "không bắt buộc",
        "Hãy chọn",
        "Gửi",
        "Cảm ơn bạn. Chúng tôi đã nhận được.",
        "Vui lòng sửa:",
        "Biểu mẫu chưa được gửi. Vui lòng gửi lại.",
        "Quá nhiều lần. Vui lòng đợi một phút rồi gửi lại.",
        "Để trống ô này",
        "Vui lòng điền vào đây",
        "Vui lòng đánh dấu ô này",
        "Nhập địa chỉ email, ví dụ anna@mail.example",
        "Nhập số điện thoại với dấu + và mã quốc gia",
        "Nhập ngày",
        "Chọn một mục trong danh sách",
        "Nội dung quá dài",
        "Nhập địa chỉ email hoặc số điện thoại",
    ),
    "uk": Words(
        "необов’язково",
        "Виберіть",
        "Надіслати",
        "Дякуємо. Ми отримали форму.",
        "Виправте, будь ласка:",
        "Форму ще не надіслано. Надішліть її ще раз.",
        "Забагато спроб. Зачекайте хвилину й надішліть ще раз.",
        "Залиште порожнім",
        "Заповніть це поле",
        "Поставте позначку",
        "Введіть адресу e-mail, наприклад anna@mail.example",
        "Введіть номер телефону з + і кодом країни",
        "Введіть дату",
        "Виберіть зі списку",
        "Текст задовгий",
        "Введіть адресу e-mail або номер телефону",
    ),
}


def language_of_words(language: str) -> str:
    """Return the language of the words for a page in another one (`pl`, `pt-BR`): the same, or English."""
    return language if _base(language) in WORDS else "en"


def words_in(language: str) -> Words:
    """Return the words of a language (`pl`, `pt-BR`), else the English ones."""
    return WORDS[_base(language_of_words(language))]


def _base(language: str) -> str:
    return language.partition("-")[0].lower()
