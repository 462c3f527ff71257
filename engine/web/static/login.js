// The address that the session told ends with the token. A fragment is never sent to a server: it is put into the
// form here, and taken out of the address, so that it stays in no history.
"use strict";
(() => {
  const form = document.getElementById("login");
  const token = decodeURIComponent(location.hash.slice(1));
  if (!form || !token) { return; }
  history.replaceState(null, "", location.pathname);
  document.getElementById("token").value = token;
  form.requestSubmit();
})();
