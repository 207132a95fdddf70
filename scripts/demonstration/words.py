"""What the demo says at the start."""

WELCOME = """
The demo runs. Everybody in it is made up, and nothing leaves this machine.

  The shop       {addresses.shop_url}
  The broker     {addresses.issuer}/consents
  The platform   {addresses.platform_url}/people

Try this:

  1. Open an account at the shop and press "Link your X account".
  2. Be @johndoe at the platform. Read what the broker asks, tick a purpose, press Allow.
  3. Back at the shop: download the receipt, and press "Ask the match API".
  4. Take the consent back at the broker. Ask again: the answer is no.
  5. Rename @johndoe at the platform and let somebody else take the handle. Whom does it match now?
  6. Sign out of the shop, open another account and type the handle zoe_writes into the form. Link nothing, and press
     "Ask on what you gave us": yes for customer care, no for the newsletter.
  7. Sign in at the broker as @zoe_writes and press "Object to all matching". Ask again: no,
     and the shop cannot tell why.

  8. Open {addresses.issuer}/verify and drop the receipt on it, then {addresses.issuer}/.well-known/jwks.json
     and {addresses.issuer}/log/vkeys, saved as files. Save the page: it works from disk, with everything stopped.
  9. Press "Erase everything about me" at the broker, and keep the certificate.

The programs' logs are in {logs}
Ctrl-C stops everything.
"""
