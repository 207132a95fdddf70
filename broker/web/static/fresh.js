// A page that the browser kept in its memory may be about whoever was here before: it is asked for anew.
"use strict";
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
