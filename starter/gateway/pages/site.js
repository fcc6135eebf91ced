// Visits of the shop's pages: <script src="https://GATEWAY/t/site.js" async></script>
// data-consent="required" waits for orders.consent(true); orders.visit() tells a page that was opened without loading.
// Links to forms, and <iframe data-form="NAME">, know the visitor once it is known.
(() => {
  const script = document.currentScript;
  if (!script || window.orders) return;
  const base = script.src.replace(/\/t\/site\.js.*$/, "");
  const refused = navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;
  const kept = (name, value) => {
    const key = "orders-" + name;
    try {
      if (value === undefined) return localStorage.getItem(key) || "";
      if (value) localStorage.setItem(key, value); else localStorage.removeItem(key);
    } catch { /* nothing is kept in private windows */ }
    return value || "";
  };
  const needed = script.dataset.consent === "required";
  const may = () => !refused && kept("consent") !== "no" && (!needed || given || kept("consent") === "yes");
  let given = false, token = kept("visitor"), last = 0;

  const form = (address) => {
    const url = new URL(address, base);
    if (token && may()) url.searchParams.set("visitor", token);
    return url.href;
  };
  const frames = () => {
    for (const frame of document.querySelectorAll("iframe[data-form]:not([src])"))
      frame.src = form(base + "/f/" + frame.dataset.form + "?lang=" + (document.documentElement.lang || ""));
  };
  const visit = async () => {
    if (!may()) return;
    last = Date.now();
    const from = document.referrer.split(/[?#]/)[0];
    const body = JSON.stringify({ token, page: location.pathname, referrer: from });
    try {
      const answer = await fetch(base + "/t/visit", { method: "POST", body, keepalive: true, credentials: "omit" });
      if (answer.status === 200 && may()) kept("visitor", token = (await answer.json()).token);
    } catch { /* the shop's page goes on all the same */ }
  };
  const seen = async () => {
    if (document.visibilityState !== "visible") return;
    if (Date.now() - last > 18e5) await visit();
    frames();
  };
  window.orders = {
    visit,
    consent: (yes) => {
      given = yes;
      kept("consent", yes ? "yes" : "no");
      if (yes) return visit();
      kept("visitor", token = "");
    },
  };
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (link && link.href.startsWith(base + "/f/")) link.href = form(link.href);
  }, true);
  document.addEventListener("visibilitychange", seen);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", seen); else seen();
})();
