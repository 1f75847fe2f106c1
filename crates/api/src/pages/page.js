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
    document.execCommand("copy");
    selection.removeAllRanges();
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", async () => {
      const output = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(output.textContent);
      } catch {
        select(output);
      }
      button.textContent = button.dataset.copied;
    });
  }
  for (const button of document.querySelectorAll("button[data-close]")) {
    button.addEventListener("click", () => tell("DECARD_OPENAPI_CLOSE", null));
  }
  if (opened) tell(opened, payload ? JSON.parse(payload) : null);
})();
