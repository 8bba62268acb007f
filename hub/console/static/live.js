// Live parts of a page. An element with data-live="topic" (several topics: by spaces) and an id is read anew when the
// hub says that the topic has changed, at most every few seconds and only while somebody looks. What is shown is what
// a fresh load of the page would show: the same address, the same rights. Without events the page is read at times.
"use strict";
(() => {
  // On a narrow screen a wide picture begins in its middle, where the hub is.
  const centre = () => document.querySelectorAll(".picture").forEach((one) => {
    one.scrollLeft = (one.scrollWidth - one.clientWidth) / 2;
  });
  centre();
  const PAUSE = 5000, PLAIN = 30000, AGAIN = 120000;
  const parts = () => [...document.querySelectorAll("[data-live][id]")];
  const topics = new Set(parts().flatMap((part) => part.dataset.live.split(/\s+/)));
  if (!topics.size || !window.fetch) return;
  const shown = document.getElementById("live");
  const changed = new Set();
  let source = null, timer = 0, last = Date.now(), plain = 0;

  const tell = (state) => {
    if (!shown) return;
    shown.dataset.state = state;
    shown.textContent = shown.dataset[state];
    shown.hidden = false;
  };

  // Focus and open details inside a part survive its renewal, so that nobody who reads by keyboard is thrown out.
  const renew = (part, fresh) => {
    if (part.innerHTML === fresh.innerHTML) return;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    if (focused && /^(INPUT|SELECT|TEXTAREA)$/.test(focused.tagName)) return;
    const order = focused ? [...part.querySelectorAll("a, button, summary")].indexOf(focused) : -1;
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    const left = part.querySelector(".picture")?.scrollLeft;
    part.replaceChildren(...fresh.childNodes);
    const picture = part.querySelector(".picture");
    if (picture && left !== undefined) picture.scrollLeft = left;
    part.querySelectorAll("details").forEach((one, number) => { one.open = open[number] || one.open; });
    if (order >= 0) part.querySelectorAll("a, button, summary")[order]?.focus();
  };

  const read = async () => {
    timer = 0;
    if (document.hidden || !changed.size) return;
    const wanted = new Set(changed);
    changed.clear();
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { "Sanji-Live": "1" }, cache: "no-store" });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const found = fresh.getElementById(part.id);
        if (found && part.dataset.live.split(/\s+/).some((topic) => wanted.has(topic))) renew(part, found);
      }
    } catch { /* the hub is away for a moment; the next event or the timer asks again */ }
  };

  const soon = () => {
    if (!timer) timer = setTimeout(read, Math.max(0, last + PAUSE - Date.now()));
  };
  const all = () => { topics.forEach((topic) => changed.add(topic)); soon(); };

  const close = () => { if (source) source.close(); source = null; };
  const open = () => {
    clearInterval(plain);
    plain = 0;
    if (!window.EventSource) return refuse();
    source = new EventSource("/live?topics=" + encodeURIComponent([...topics].join(" ")));
    // What changed since this page was made, or while the line was broken, was told to nobody here.
    source.onopen = () => { tell("on"); all(); };
    source.onmessage = (event) => {
      event.data.split(" ").forEach((topic) => topics.has(topic) && changed.add(topic));
      if (changed.size) soon();
    };
    source.onerror = () => { if (source && source.readyState === 2) refuse(); };
  };
  // Refused, or ended for good: read at times, and ask for events again now and then.
  const refuse = () => {
    close();
    tell("off");
    clearInterval(plain);
    plain = setInterval(all, PLAIN);
    setTimeout(() => { if (!source && !document.hidden) open(); }, AGAIN);
  };

  // A browser has few connections to one host: a page nobody looks at gives its own back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { close(); clearInterval(plain); plain = 0; } else { open(); all(); }
  });
  window.addEventListener("pagehide", close);
  if (!document.hidden) open();
})();
