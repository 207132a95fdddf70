/**
 * <consent-link>: a button that leads to the shop's own start address, and the way back from a window of its own.
 *
 * What stands inside the element, a form or a link, is what works without this file, and what the button sends. The
 * consent itself is asked for on the broker's page: nothing here can answer it, and nothing of it passes through here.
 * The broker and the platform cut window.opener (Cross-Origin-Opener-Policy), so the answer comes back as a word on a
 * BroadcastChannel of the shop's own origin, spoken by the shop's own page.
 */
"use strict";
(() => {
  const WORDS = "{{words}}";
  const SOURCE = "en";
  const NAME = "consent-link";
  const OUTCOMES = ["linked", "refused"];
  const WINDOW = "popup,width=600,height=860";

  if (customElements.get(NAME)) return;

  /**
   * One colour and one radius are the shop's. The letters are black or white, whichever can be read on that colour; a
   * colour that lets the page through is made whole, and under what is no colour the button's own shows. A strict
   * Content-Security-Policy allows sheets made this way.
   */
  const SHEET = new CSSStyleSheet();
  SHEET.replaceSync(`
    :host { display: inline-block; max-inline-size: 100%; }
    :host([hidden]) { display: none; }
    button {
      position: relative; max-inline-size: 100%; margin: 0; border: 0; padding: 0; font: inherit; font-weight: 600;
      cursor: pointer; color: #fff; background: #1f4f8f;
      border-radius: min(var(--consent-link-radius, .375rem), 1.5rem);
    }
    .face {
      display: grid; place-content: center; box-sizing: border-box; min-block-size: 2.75rem; min-inline-size: 2.75rem;
      padding: .5rem 1.25rem; overflow-wrap: anywhere; border: 2px solid transparent; border-radius: inherit;
    }
    @supports (color: light-dark(red, lch(from red l c h))) {
      button { color: light-dark(#fff, #000); background: light-dark(#1f4f8f, #a9cbf7); }
      .face {
        background: rgb(from var(--consent-link-color) r g b / 1);
        color: lch(from var(--consent-link-color) clamp(0, (49.44 - l) * 1000, 100) 0 0 / 1);
      }
    }
    button:hover { text-decoration: underline; }
    button:focus-visible { outline: 2px solid #fff; outline-offset: 0; box-shadow: 0 0 0 5px #000; }
    .aside { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
    [role=status] { margin: 0; text-align: match-parent; }
    [role=status]:not(:empty) { margin-block-start: .5rem; }
  `);

  /** A name that nobody else on this origin has, and that says nothing of anybody. */
  const fresh = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("");

  /** The language around an element, where there are words in it. */
  const languageOf = (element) => {
    const wanted = (element.closest("[lang]") ?? document.documentElement).lang.toLowerCase();
    return Object.keys(WORDS).find((one) => wanted === one || wanted.startsWith(`${one}-`)) ?? SOURCE;
  };

  const made = (className, textContent) => Object.assign(document.createElement("span"), { className, textContent });

  class ConsentLink extends HTMLElement {
    #id = fresh();
    #button = document.createElement("button");
    #status = document.createElement("p");
    #window = null;
    #channel = null;

    connectedCallback() {
      const outcome = this.getAttribute("outcome");
      if (outcome !== null) this.#tell(outcome);
      else if (!this.shadowRoot) this.#draw();
      else if (this.#channel) this.#listen(); // it was moved while a window is open
      addEventListener("focus", this);
      document.addEventListener("visibilitychange", this);
    }

    disconnectedCallback() {
      removeEventListener("focus", this);
      document.removeEventListener("visibilitychange", this);
      this.#channel?.close();
    }

    /** The way there: the button, in place of what stands inside. */
    #draw() {
      const root = this.attachShadow({ mode: "open", delegatesFocus: true });
      root.adoptedStyleSheets = [SHEET];
      this.#button.type = "button";
      this.#button.append(made("face", this.#words("link")));
      if (this.hasAttribute("popup")) this.#button.append(made("aside", ` (${this.#words("window")})`));
      this.#button.addEventListener("click", () => this.#start());
      this.#status.setAttribute("role", "status");
      for (const part of [this.#button, this.#status]) {
        part.lang = languageOf(this);
        part.dir = WORDS[part.lang].direction;
      }
      root.append(this.#button, this.#status);
    }

    #words(which) {
      return WORDS[languageOf(this)][which].replace("{platform}", () => this.getAttribute("platform") || "X");
    }

    /** A window opens in the click and at no other time; where the browser refuses one, the page itself goes. */
    #start() {
      const inside = this.querySelector("form, a[href]");
      if (!inside) throw new Error("<consent-link> needs a form or a link inside: it is where the button leads");
      const isOpen = () => this.#window && !this.#window.closed;
      if (isOpen()) {
        this.#window.focus();
        return;
      }
      const name = `${NAME}-${this.#id}`;
      if (this.hasAttribute("popup")) this.#window = open("", name, WINDOW);
      if (isOpen()) this.#goIn(inside, name);
      else this.#go(inside);
    }

    #go(inside) {
      if (inside.localName === "a") inside.click();
      else inside.requestSubmit(inside.querySelector("button:not([type]), [type=submit]"));
    }

    /** The same in the window, which then has no hold on this page. */
    #goIn(inside, name) {
      this.#listen();
      this.#status.textContent = this.#words("waiting");
      if (inside.localName === "a") this.#follow(inside);
      else this.#submit(inside, name);
      this.#window.opener = null;
    }

    /** What goes along is the name that the shop's answer must bring back. */
    #follow(link) {
      const address = new URL(link.href);
      address.searchParams.set("popup", this.#id);
      this.#window.location.replace(address);
    }

    #submit(form, name) {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: "popup", value: this.#id });
      const target = form.getAttribute("target") ?? "";
      form.append(field);
      form.target = name;
      this.#go(form);
      form.target = target;
      field.remove();
    }

    #listen() {
      this.#channel?.close();
      this.#channel = new BroadcastChannel(NAME);
      this.#channel.onmessage = ({ data }) => {
        if (data?.popup !== this.#id || !OUTCOMES.includes(data.outcome)) return;
        this.#channel.postMessage({ popup: this.#id, heard: true });
        this.#window = null;
        this.#status.textContent = this.#words(data.outcome);
        if (this.#say(data.outcome)) this.#leave();
      };
    }

    /** The event, which says what became of it and nothing of anybody; true when nobody prevented what follows. */
    #say(what) {
      const told = { bubbles: true, composed: true, cancelable: true };
      return this.dispatchEvent(new CustomEvent(`${NAME}:${what}`, told));
    }

    /** On to the page that the shop named, and to none of anybody else's, nor to a script: "null" is an origin too. */
    #leave() {
      const next = this.hasAttribute("next") ? new URL(this.getAttribute("next"), document.baseURI) : null;
      if (/^https?:$/.test(next?.protocol) && next.origin === location.origin) location.assign(next);
    }

    /**
     * Back on this page with no answer: the window is gone, or out of reach; the answer may still come. There is
     * nothing better to go by: once the tie is cut, `closed` is true of an open window too. So it is asked only when
     * the person is back here, and no clock is needed.
     */
    handleEvent() {
      if (document.visibilityState !== "visible" || !this.#window?.closed) return;
      this.#window = null;
      this.#status.textContent = this.#words("closed");
      this.#say("closed");
    }

    /** The way back: the shop's own page says what it knows, to the page that is waiting or to this one. */
    #tell(outcome) {
      const popup = this.getAttribute("popup");
      if (!OUTCOMES.includes(outcome)) throw new Error(`the outcome is one of ${OUTCOMES.join(", ")}`);
      if (popup) this.#tellOver(outcome, popup);
      else if (document.readyState === "complete") this.#say(outcome);
      else addEventListener("load", () => this.#say(outcome), { once: true });
    }

    /** The window closes once it was heard, so that the answer is there before the person is. */
    #tellOver(outcome, popup) {
      this.#channel = new BroadcastChannel(NAME);
      this.#channel.onmessage = ({ data }) => {
        if (data?.popup === popup && data.heard) close();
      };
      this.#channel.postMessage({ popup, outcome });
    }
  }

  customElements.define(NAME, ConsentLink);
})();
