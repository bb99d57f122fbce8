"use strict";
// Passkeys, where the browser has them; what they need is hidden where it has none, or runs no script.
const AUTHENTICATORS = {
  create: (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  get: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
};
async function answer(form, button) {
  const failed = form.querySelector("[data-failed]");
  button.disabled = true;
  failed.hidden = true;
  try {
    const credential = await AUTHENTICATORS[form.dataset.passkey](JSON.parse(form.dataset.options));
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch {
    failed.hidden = button.disabled = false;
  }
}
if (window.PublicKeyCredential?.parseCreationOptionsFromJSON && window.PublicKeyCredential.prototype.toJSON) {
  for (const part of document.querySelectorAll("[data-passkeys], [data-passkey]")) part.hidden = false;
  for (const part of document.querySelectorAll("[data-without-passkeys]")) part.hidden = true;
  for (const form of document.querySelectorAll("[data-passkey]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation(); // console.js would take the answer for a second sending
      answer(form, form.querySelector("button"));
    });
  }
}
