(() => {
  "use strict";
  const { origins, opened, payload } = document.body.dataset;
  const tell = (name, payload) => {
    const text = JSON.stringify({ name, payload });
    if (window.parent !== window && origins) {
      for (const origin of origins.split(" ")) window.parent.postMessage(text, origin);
    }
    if (window.ReactNativeWebView) window.ReactNativeWebView.postMessage(text);
  };
  const select = (output) => {
    const range = document.createRange();
    range.selectNodeContents(output);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    const isCopied = document.execCommand("copy");
    // What could not be copied stays selected, for the customer's own way of copying.
    if (isCopied) selection.removeAllRanges();
    return isCopied;
  };
  const copy = async (output) => {
    try {
      await navigator.clipboard.writeText(output.textContent);
      return true;
    } catch {
      return select(output);
    }
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", async () => {
      const output = document.getElementById(button.dataset.copy);
      if (await copy(output)) button.textContent = button.dataset.copied;
    });
  }
  // A page that is left may be kept in memory and shown again by going back.
  const wipe = () => {
    for (const secret of document.querySelectorAll("[data-secret]")) secret.remove();
    for (const input of document.querySelectorAll("input")) input.value = "";
  };
  // A parent takes the page away when it hears of it; a browser's tab stays, and says so.
  const close = () => {
    wipe();
    const closed = document.getElementById("closed");
    document.querySelector("main").replaceChildren(closed);
    closed.hidden = false;
    tell("DECARD_OPENAPI_CLOSE", null);
  };
  for (const button of document.querySelectorAll("button[data-close]")) {
    button.addEventListener("click", close);
  }
  window.addEventListener("pagehide", wipe);
  if (opened) tell(opened, payload ? JSON.parse(payload) : null);
})();
