"""What a mail's Markdown becomes: sanitised HTML, and plain text a person can read. Covers C3."""

from html.parser import HTMLParser

import pytest

from activities.actions.markdown import mail_parts


@pytest.mark.parametrize(
    ("text", "html", "plain"),
    [
        ("Thank **you**", "<p>Thank <strong>you</strong></p>", "Thank you"),
        ("# Paid", "<h1>Paid</h1>", "Paid"),
        ("one\ntwo", "<p>one<br>\ntwo</p>", "one\ntwo"),
        (
            "[Pay](https://x.example/?a=1&b=2)",
            '<p><a href="https://x.example/?a=1&amp;b=2" rel="noopener noreferrer">Pay</a></p>',
            "Pay (https://x.example/?a=1&b=2)",
        ),
        (
            "Pay: https://x.example/a_b_c.",
            '<p>Pay: <a href="https://x.example/a_b_c" rel="noopener noreferrer">https://x.example/a_b_c</a>.</p>',
            "Pay: https://x.example/a_b_c.",
        ),
        (
            "Pay: https://x.example/\\_a\\_b\\_",
            '<p>Pay: <a href="https://x.example/_a_b_" rel="noopener noreferrer">https://x.example/_a_b_</a></p>',
            "Pay: https://x.example/_a_b_",
        ),
        ("`https://x.example`", "<p><code>https://x.example</code></p>", "https://x.example"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>", "- one\n- two"),
        ("3. c\n4. d", "<ol>\n<li>c</li>\n<li>d</li>\n</ol>", "3. c\n4. d"),
    ],
    ids=["strong", "heading", "line break", "link", "bare address", "escaped token", "code", "list", "numbers"],
)
def test_both_parts_say_the_same(text: str, html: str, plain: str) -> None:
    parts = mail_parts(text)
    assert (parts.html.strip(), parts.plain) == (html, plain + "\n")


def test_table_is_one_line_a_row_in_the_plain_part() -> None:
    parts = mail_parts("| Item | Price |\n|---|---|\n| Cup | 5 |\n| Pot | 9 |\n\nBye")
    assert parts.plain == "Item | Price\nCup | 5\nPot | 9\n\nBye\n"
    assert "<td>Cup</td>" in parts.html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "<a href='javascript:alert(1)'>x</a>",
        "![x](javascript:alert(1))",
    ],
)
def test_text_cannot_smuggle_markup_or_script_into_a_mail(text: str) -> None:
    seen = Tags()
    seen.feed(mail_parts(text).html)
    assert seen.found == [("p", [])]


class Tags(HTMLParser):
    """Collects what a mail program would interpret."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))
