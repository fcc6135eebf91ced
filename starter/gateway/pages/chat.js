// The shop's chat: <script src="https://GATEWAY/chat/widget.js" data-shop="My shop" async></script>
// data-language="pl" (else the browser's), data-customer="TOKEN" (of who has signed in), data-color="#0b5", data-open.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.orderChat) return;
  const base = new URL(".", script.src).href.replace(/\/$/, "");
  const given = script.dataset;

  const WORDS = {
    en: { title: "Chat with us", open: "Open chat", close: "Close chat", say: "Write a message", send: "Send", you: "You", typing: "is writing…", away: "No connection. Your message will be sent as soon as it is back.", hello: "Hello! How can we help?", sending: "Sending…", slow: "That was quick. Please wait a moment.", news: "New message" },
    pl: { title: "Napisz do nas", open: "Otwórz czat", close: "Zamknij czat", say: "Napisz wiadomość", send: "Wyślij", you: "Ty", typing: "pisze…", away: "Brak połączenia. Wiadomość zostanie wysłana, gdy tylko wróci.", hello: "Dzień dobry! W czym możemy pomóc?", sending: "Wysyłanie…", slow: "Za szybko. Proszę chwilę poczekać.", news: "Nowa wiadomość" },
    fr: { title: "Écrivez-nous", open: "Ouvrir la discussion", close: "Fermer la discussion", say: "Écrire un message", send: "Envoyer", you: "Vous", typing: "écrit…", away: "Pas de connexion. Votre message sera envoyé dès son retour.", hello: "Bonjour ! Comment pouvons-nous vous aider ?", sending: "Envoi…", slow: "C’était rapide. Patientez un instant.", news: "Nouveau message" },
    de: { title: "Schreiben Sie uns", open: "Chat öffnen", close: "Chat schließen", say: "Nachricht schreiben", send: "Senden", you: "Sie", typing: "schreibt…", away: "Keine Verbindung. Ihre Nachricht wird gesendet, sobald sie wieder da ist.", hello: "Guten Tag! Wie können wir helfen?", sending: "Wird gesendet…", slow: "Das ging schnell. Bitte warten Sie einen Moment.", news: "Neue Nachricht" },
    vi: { title: "Trò chuyện với chúng tôi", open: "Mở trò chuyện", close: "Đóng trò chuyện", say: "Viết tin nhắn", send: "Gửi", you: "Bạn", typing: "đang viết…", away: "Mất kết nối. Tin nhắn sẽ được gửi khi có kết nối lại.", hello: "Xin chào! Chúng tôi có thể giúp gì cho bạn?", sending: "Đang gửi…", slow: "Hơi nhanh. Vui lòng đợi một chút.", news: "Tin nhắn mới" },
    uk: { title: "Напишіть нам", open: "Відкрити чат", close: "Закрити чат", say: "Напишіть повідомлення", send: "Надіслати", you: "Ви", typing: "пише…", away: "Немає з’єднання. Повідомлення буде надіслано, щойно воно відновиться.", hello: "Вітаємо! Чим можемо допомогти?", sending: "Надсилання…", slow: "Занадто швидко. Зачекайте хвилинку.", news: "Нове повідомлення" },
  };
  const wanted = [given.language, document.documentElement.lang, ...(navigator.languages || [])];
  const language = wanted.map((one) => (one || "").slice(0, 2).toLowerCase()).find((one) => WORDS[one]) || "en";
  const t = WORDS[language];
  const shop = given.shop || location.hostname || "Shop";

  // --- what is kept between pages: the token, and what is not yet known to have arrived ---------------------------
  const KEY = "order-chat:" + base;
  const stored = (() => { try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; } })();
  let token = stored.token || "";
  const pending = new Map();
  const lines = new Map();
  let last = null, socket = null, tries = 0, seen = stored.seen || 0, isOpen = false, isOff = false, polls = false;
  const keep = () => {
    try { localStorage.setItem(KEY, JSON.stringify({ token, seen })); } catch { /* private mode */ }
  };
  // Each message has an entry of its own: other pages of the shop write theirs beside it, and send it if this one is
  // closed. The gateway takes each ref once, whoever sends it. Refs begin with their time: their order is that of writing.
  const written = (ref, body) => { pending.set(ref, body); try { localStorage.setItem(KEY + "/" + ref, body); } catch { /* private mode */ } };
  const arrived = (ref) => { pending.delete(ref); try { localStorage.removeItem(KEY + "/" + ref); } catch { /* private mode */ } };
  const adopt = () => {
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith(KEY + "/")) pending.set(key.slice(KEY.length + 1), localStorage.getItem(key));
    } catch { /* private mode */ }
    const sorted = [...pending].sort(([a], [b]) => (a < b ? -1 : 1));
    pending.clear();
    for (const [ref, body] of sorted) pending.set(ref, body);
  };
  const followed = () => { // by the site's own script, which forgets it where that is not wanted
    if (navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true) return "";
    try { return localStorage.getItem("orders-visitor") || ""; } catch { return ""; }
  };
  let latest = 0;
  const fresh = () => (latest = Math.max(latest + 1, Date.now())).toString(16).padStart(12, "0") + Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("");

  // --- the page ----------------------------------------------------------------------------------------------------
  const host = document.createElement("div");
  host.id = "order-chat";
  host.hidden = true; // until the gateway has given a session
  const root = host.attachShadow({ mode: "open" });
  root.innerHTML = `<style>
:host([hidden]){display:none}:host{--c:#1c64d1;--on:#fff;--bg:#fff;--fg:#1b2027;--soft:#eef1f5;--line:#dfe4ea;--dim:#5c6672;all:initial}
@media (prefers-color-scheme:dark){:host([hidden]){display:none}:host{--c:#5b96f5;--on:#0b1220;--bg:#171b21;--fg:#e8ebef;--soft:#262c35;--line:#343c47;--dim:#a3adba}}
*{box-sizing:border-box}[hidden]{display:none!important}
.b,.w{position:fixed;right:max(20px,env(safe-area-inset-right));z-index:2147483000;font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.b{bottom:20px;width:56px;height:56px;border:0;border-radius:50%;background:var(--c);color:var(--on);cursor:pointer;box-shadow:0 4px 16px #0004;display:grid;place-items:center}
.b svg{width:26px;height:26px}.n{position:absolute;top:-3px;right:-3px;min-width:20px;height:20px;padding:0 5px;border-radius:10px;background:#d3273e;color:#fff;font-size:12px;line-height:20px;font-weight:600}
.w{bottom:90px;width:min(370px,calc(100vw - 32px));height:min(560px,calc(100vh - 110px));display:flex;flex-direction:column;background:var(--bg);color:var(--fg);border:1px solid var(--line);border-radius:16px;box-shadow:0 12px 40px #0003;overflow:hidden}
header{display:flex;align-items:center;gap:8px;padding:14px 10px 14px 18px;background:var(--c);color:var(--on)}
h2{flex:1;margin:0;font-size:16px;font-weight:600;line-height:1.3}h2 small{display:block;font-size:13px;font-weight:400;opacity:.9}
header button{border:0;background:none;color:inherit;width:36px;height:36px;border-radius:8px;cursor:pointer;display:grid;place-items:center}header button svg{width:20px}
ol{flex:1;overflow-y:auto;margin:0;padding:16px;list-style:none;display:flex;flex-direction:column;gap:4px;overscroll-behavior:contain}
li{max-width:84%;padding:8px 12px;border-radius:14px;overflow-wrap:anywhere;white-space:pre-wrap}
li.s{align-self:flex-start;background:var(--soft);border-bottom-left-radius:4px}li.y{align-self:flex-end;background:var(--c);color:var(--on);border-bottom-right-radius:4px}
li.p{opacity:.6}li+li.first{margin-top:8px}time{display:block;font-size:11px;line-height:1.2;opacity:.75;margin-top:3px;text-align:end}
.d{min-height:22px;padding:0 18px;color:var(--dim);font-size:13px}.a{margin:0;padding:8px 18px;background:#fff4d6;color:#5b4300;font-size:13px}
form{display:flex;gap:8px;align-items:flex-end;padding:10px 12px 12px;border-top:1px solid var(--line)}
textarea{flex:1;resize:none;max-height:120px;min-height:40px;padding:9px 12px;border:1px solid var(--line);border-radius:12px;background:var(--bg);color:inherit;font:inherit;font-size:16px;line-height:1.35}
form button{flex:none;width:40px;height:40px;border:0;border-radius:12px;background:var(--c);color:var(--on);cursor:pointer;display:grid;place-items:center}form button svg{width:20px}form button:disabled{opacity:.45;cursor:default}
textarea:focus-visible{outline:2px solid var(--c);outline-offset:-1px}:where(button,ol):focus-visible{outline:3px solid var(--c);outline-offset:2px}header :focus-visible{outline-color:var(--on);outline-offset:-3px}
.v{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:480px){.w{right:0;bottom:0;width:100vw;height:100dvh;border:0;border-radius:0}.w:not([hidden])~.b{display:none}}
@media (prefers-reduced-motion:no-preference){.w:not([hidden]){animation:u .16s ease-out}@keyframes u{from{transform:translateY(8px);opacity:0}}}
</style>
<section class="w" role="dialog" aria-modal="false" aria-labelledby="t" id="w" hidden>
<header><h2 id="t"></h2><button type="button" class="x"><svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18"/></svg></button></header>
<ol role="log" aria-live="polite" aria-relevant="additions" tabindex="0"></ol>
<p class="a" role="status" hidden></p><div class="d" aria-live="polite"></div>
<form><label class="v" for="m"></label><textarea id="m" rows="1" maxlength="2000" enterkeyhint="send"></textarea><button disabled><svg viewBox="0 0 24 24" fill="currentColor" aria-hidden="true"><path d="M3 20.5v-6.2l9.5-2.3L3 9.7V3.5L22 12z"/></svg></button></form>
</section>
<button type="button" class="b" aria-controls="w" aria-expanded="false"><svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" aria-hidden="true"><path d="M4 5h16v11H10l-5 4v-4H4z"/></svg><span class="n" hidden></span></button>`;
  const $ = (selector) => root.querySelector(selector);
  const box = $(".w"), list = $("ol"), bubble = $(".b"), badge = $(".n"), note = $(".a"), dots = $(".d"), form = $("form"), text = $("textarea"), send = $("form button");
  for (const part of [box, bubble]) part.lang = language;
  $("h2").append(shop, Object.assign(document.createElement("small"), { textContent: t.title }));
  list.setAttribute("aria-label", t.title);
  $("label").textContent = text.placeholder = t.say;
  send.title = t.send; send.setAttribute("aria-label", t.send);
  $(".x").setAttribute("aria-label", t.close);
  if (/^#[0-9a-f]{3,8}$/i.test(given.color || "")) host.style.setProperty("--c", given.color);

  const moment = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  const item = (line) => {
    const li = document.createElement("li");
    li.className = (line.is_mine ? "y" : "s") + (line.id === undefined ? " p" : "");
    const who = Object.assign(document.createElement("span"), { className: "v", textContent: (line.is_mine ? t.you : shop) + ": " });
    li.append(who, line.text);
    if (line.at) li.append(Object.assign(document.createElement("time"), { dateTime: line.at, textContent: moment.format(new Date(line.at)) }));
    if (line.id === undefined) li.append(Object.assign(document.createElement("time"), { textContent: t.sending }));
    return li;
  };
  const shown = new Map(); // key -> element, so that a screen reader is told only what is new
  const show = () => {
    const stays = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    const wants = [["hello", { id: 0, text: t.hello }], ...[...lines.values()].sort((a, b) => a.id - b.id).map((line) => [line.id, line]), ...[...pending].map(([ref, body]) => ["p" + ref, { text: body, is_mine: true }])];
    const keys = new Set(wants.map(([key]) => key));
    for (const [key, element] of shown) if (!keys.has(key)) { element.remove(); shown.delete(key); }
    let before = null;
    for (const [key, line] of wants) {
      let element = shown.get(key);
      if (!element) shown.set(key, (element = item(line)));
      if ((before ? before.nextSibling : list.firstChild) !== element) list.insertBefore(element, before ? before.nextSibling : list.firstChild);
      element.classList.toggle("first", !!before && before.classList.contains("y") !== element.classList.contains("y"));
      before = element;
    }
    if (stays) list.scrollTop = list.scrollHeight;
    if (isOpen && last > seen) { seen = last; keep(); }
    const unread = [...lines.values()].filter((line) => !line.is_mine && line.id > seen).length;
    badge.hidden = !unread; badge.textContent = unread;
    bubble.setAttribute("aria-label", (isOpen ? t.close : t.open) + (unread ? ` (${t.news}: ${unread})` : ""));
  };
  let quiet = 0;
  const typing = (is) => { clearTimeout(quiet); dots.textContent = is ? `${shop} ${t.typing}` : ""; if (is) quiet = setTimeout(typing, 6500, false); };
  const say = (words) => { note.hidden = !words; note.textContent = words || ""; };
  const take = (found) => {
    for (const line of found) {
      lines.set(line.id, line);
      if (line.ref) arrived(line.ref);
      if (last === null || line.id > last) last = line.id;
      if (!line.is_mine) typing(false);
    }
    if (found.length) keep();
    show();
  };

  // --- the line ----------------------------------------------------------------------------------------------------
  const ask = async (path, options = {}) => {
    const headers = { ...(token && { Authorization: "Bearer " + token }), ...(options.body && { "Content-Type": "application/json" }) };
    return fetch(base + path, { ...options, headers, credentials: "omit", referrerPolicy: "no-referrer" });
  };
  const session = async () => {
    const answer = await fetch(base + "/session", { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token, customer: given.customer || "", visitor: followed() }) });
    if (answer.status === 404 || answer.status === 403) { isOff = true; host.remove(); return false; }
    if (!answer.ok) throw new Error("no session");
    const body = await answer.json();
    token = body.token;
    if (body.is_new) { lines.clear(); last = null; seen = 0; }
    keep();
    if (host.hidden) { host.hidden = false; if ("open" in given) toggle(true); }
    show();
    return true;
  };
  const later = () => { tries += 1; setTimeout(connect, Math.min(30000, 500 * 2 ** Math.min(tries, 6)) * (0.7 + Math.random() * 0.6)); };
  const post = (ref, body) => {
    if (socket && socket.readyState === 1) socket.send(JSON.stringify({ type: "say", ref, text: body, language }));
    else if (polls) ask("/messages", { method: "POST", body: JSON.stringify({ ref, text: body, language }) }).then(async (answer) => {
      if (answer.ok) { const line = await answer.json(); arrived(ref); lines.set(line.id, line); show(); }
      else refused(ref, answer.status === 422 || answer.status === 400 ? "invalid-request" : "too-many-requests");
    }, () => refused(ref, "away"));
  };
  const refused = (ref, code) => {
    if (code === "invalid-request") { arrived(ref); show(); return; }
    say(code === "too-many-requests" ? t.slow : t.away);
    clearTimeout(patience); // all of them together, so that they arrive as they were written
    patience = setTimeout(() => { say(""); again(); }, 3000 + Math.random() * 2000);
  };
  let patience = 0;
  const again = () => { adopt(); show(); for (const [ref, body] of pending) post(ref, body); };
  // What another page writes is that page's to send, unless it was closed first.
  addEventListener("storage", ({ key, newValue }) => { if (newValue && key && key.startsWith(KEY + "/")) setTimeout(() => localStorage.getItem(key) && again(), 5000); });
  const connect = async () => {
    if (isOff) return;
    try { if (!(await session())) return; } catch { if (pending.size) say(t.away); return later(); }
    if (tries > 3 || given.transport === "poll") return poll();
    const line = (socket = new WebSocket(base.replace(/^http/, "ws") + "/ws"));
    let isReady = false;
    line.onopen = () => line.send(JSON.stringify({ type: "hello", token, after: last }));
    line.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "lines") take(frame.lines);
      else if (frame.type === "taken") { arrived(frame.line.ref); lines.set(frame.line.id, frame.line); show(); }
      else if (frame.type === "typing") typing(frame.is_typing);
      else if (frame.type === "token") { token = frame.token; keep(); }
      else if (frame.type === "refused") refused(frame.ref, frame.code);
      else if (frame.type === "ready") { isReady = true; tries = 0; say(""); again(); host.dataset.state = "ready"; }
    };
    line.onclose = () => { if (socket === line) socket = null; host.dataset.state = "away"; typing(false); if (pending.size) say(t.away); if (isReady) tries = 0; later(); };
  };
  // Where no WebSocket comes through (some proxies): long polling, and now and then another try.
  const poll = async () => {
    polls = true; host.dataset.state = "polling";
    again();
    for (let round = 0; round < 200 && !isOff; round += 1) {
      try {
        const answer = await ask("/messages?wait=8" + (last === null ? "" : "&after=" + last));
        if (answer.status === 401) break;
        if (!answer.ok) throw new Error("refused");
        const body = await answer.json();
        say(""); take(body.lines); typing(body.is_typing);
        if (last === null) last = 0;
        if (body.is_typing) await new Promise((done) => setTimeout(done, 1000));
      } catch { if (pending.size) say(t.away); await new Promise((done) => setTimeout(done, 4000)); }
    }
    polls = false; tries = 0;
    connect();
  };

  // --- hands and keys -----------------------------------------------------------------------------------------------
  const toggle = (to) => {
    isOpen = to; box.hidden = !to; bubble.setAttribute("aria-expanded", to);
    show();
    if (to) list.scrollTop = list.scrollHeight;
    (to ? text : bubble).focus();
  };
  let typed = 0;
  const grow = () => { text.style.height = "auto"; text.style.height = text.scrollHeight + 2 + "px"; send.disabled = !text.value.trim(); };
  bubble.onclick = () => toggle(!isOpen);
  $(".x").onclick = () => toggle(false);
  box.onkeydown = (event) => { if (event.key === "Escape") { event.stopPropagation(); toggle(false); } };
  text.oninput = () => {
    grow();
    if (!text.value.trim() || Date.now() - typed < 2500) return;
    typed = Date.now();
    if (socket && socket.readyState === 1) socket.send('{"type":"typing"}');
    else if (polls) ask("/typing", { method: "POST" }).catch(() => {});
  };
  text.onkeydown = (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } };
  form.onsubmit = (event) => {
    event.preventDefault();
    const body = text.value.trim().replace(/[\ud800-\udfff]/gu, "\ufffd"); // half an emoji is no text
    if (!body) return;
    const ref = fresh();
    written(ref, body);
    text.value = ""; typed = 0; grow(); show();
    list.scrollTop = list.scrollHeight;
    post(ref, body);
    text.focus();
  };

  window.orderChat = { open: () => toggle(true), close: () => toggle(false) };
  const start = () => { document.body.append(host); adopt(); show(); connect(); };
  if (document.body) start(); else addEventListener("DOMContentLoaded", start);
})();
