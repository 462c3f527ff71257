// The news of this page. The server sends pieces of HTML by name; what differs is changed in place, so that focus,
// scroll, selection and open details stay as they are. That is all of a framework that this page needs.
"use strict";
(() => {
  const pulse = document.getElementById("pulse");
  const SILENT_MS = 3000; // seven beats: then what is shown is old, and says so
  const AGAIN_MS = 2000; // to who is refused
  let heard = 0, since = "";
  const old = () => heard && performance.now() - heard > SILENT_MS;

  const keep = (element, name) => name === "open" && element.tagName === "DETAILS";

  function attributes(from, to) {
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !keep(from, name)) { from.removeAttribute(name); }
    }
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value && !keep(from, name)) { from.setAttribute(name, value); }
    }
  }

  function same(one, other) {
    return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
  }

  function morph(from, to) {
    const wanted = [...to.childNodes];
    wanted.forEach((node, at) => {
      let there = from.childNodes[at];
      if (!there) { from.appendChild(node); return; }
      if (!same(there, node) && node.id) { // what has a name stays itself where something comes before it: a button too
        const kept = [...from.children].find((one) => same(one, node));
        from.insertBefore(kept ?? node, there);
        if (!kept) { return; }
        there = kept;
      }
      if (!same(there, node)) { from.replaceChild(node, there); return; }
      if (there.nodeType === Node.ELEMENT_NODE) { attributes(there, node); morph(there, node); }
      else if (there.nodeValue !== node.nodeValue) { there.nodeValue = node.nodeValue; }
    });
    while (from.childNodes.length > wanted.length) { from.lastChild.remove(); }
  }

  function put(name, markup) {
    const place = document.getElementById(name);
    if (!place) { return; }
    const fresh = document.createElement("template");
    fresh.innerHTML = markup;
    const pinned = [...place.querySelectorAll("pre.tail")].filter((p) => p.scrollTop + p.clientHeight >= p.scrollHeight - 4);
    morph(place, fresh.content);
    pinned.forEach((p) => { p.scrollTop = p.scrollHeight; });
  }

  function tell(state, text) {
    if (pulse && pulse.textContent !== text) { pulse.textContent = text; pulse.className = `pulse ${state}`; }
  }

  // The news were refused. Who is logged out is shown the login. Else the engine is gone, or as many watch as may.
  function refused() {
    const later = () => setTimeout(listen, AGAIN_MS);
    fetch("/login", { cache: "no-store", redirect: "manual" }).then((answer) => {
      if (answer.type !== "opaqueredirect") { location.reload(); return; }
      tell("stale", "not live: too many pages are open");
      later();
    }, later);
  }

  function listen() {
    const source = new EventSource(document.body.dataset.events);
    source.onmessage = (message) => {
      heard = performance.now();
      since = new Date().toISOString().slice(11, 19);
      tell("live", "live");
      const told = JSON.parse(message.data);
      const drawn = {};
      for (const [name, value] of Object.entries(told)) {
        if (typeof value === "string" && document.getElementById(name)?.classList.contains("piece")) { put(name, value); }
        else { drawn[name] = value; }
      }
      if (Object.keys(drawn).length) { window.dispatchEvent(new CustomEvent("news", { detail: drawn })); }
    };
    source.onerror = () => {
      if (!old()) { tell("stale", "connection lost"); }
      if (source.readyState === EventSource.CLOSED) { refused(); }
    };
    window.addEventListener("pagehide", () => source.close(), { once: true });
  }

  setInterval(() => { if (old()) { tell("stale", `old: nothing heard since ${since} UTC`); } }, 1000);
  document.querySelectorAll("pre.tail").forEach((p) => { p.scrollTop = p.scrollHeight; });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { location.reload(); } });
  // Only once every script of the page is there: the first news holds all of it, and is told once.
  document.addEventListener("DOMContentLoaded", () => { if (document.body.dataset.events) { listen(); } });
})();
