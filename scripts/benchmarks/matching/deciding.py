"""Runs in the engines' own environment: one of them decides some questions, and says how long that took.

The policy is the least that is like a match: a link permits its client one purpose. The engines hold the links
themselves, in memory, and few of them: there is nothing in them to look ten million up with.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable

MODEL = """[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act
"""
CEDAR = """permit(principal, action == Action::"associate", resource)
when { principal.linked.contains(resource) && principal.purposes.contains(context.purpose) };"""
LINKS = 1_000
PURPOSE = "customer-care"


def account(number: int) -> str:
    """An account's name."""
    return f"x:{5_000_000_000 + number}"


def address(number: int) -> str:
    """A record's name."""
    return f"email:person{number}@mailbox.example"


def casbin_of(kind: str) -> Callable[[int], bool]:
    """Casbin with a line of policy for each link."""
    import casbin  # noqa: PLC0415

    with tempfile.NamedTemporaryFile("w", suffix=".conf") as model, tempfile.NamedTemporaryFile("w") as links:
        model.write(MODEL)
        links.writelines(f"p, {account(number)}, {address(number)}, {PURPOSE}\n" for number in range(LINKS))
        for file in (model, links):
            file.flush()
        if kind == "Enforcer":
            enforcer = casbin.Enforcer(model.name, links.name)
        else:
            enforcer = casbin.FastEnforcer(model.name, links.name, cache_key_order=[0])
    return lambda number: bool(enforcer.enforce(account(number), address(number), PURPOSE))


def cedar() -> Callable[[int], bool]:
    """Cedar with one policy, and the entities of the one question: they come from a database each time."""
    import cedarpy  # noqa: PLC0415

    def ask(number: int) -> bool:
        linked = number < LINKS
        principal = {"type": "Account", "id": account(number)}
        resource = {"type": "Record", "id": address(number)}
        attributes = {"linked": [{"__entity": resource}] if linked else [], "purposes": [PURPOSE] if linked else []}
        entities = [{"uid": {"__entity": principal}, "attrs": attributes, "parents": []}]
        request = {
            "principal": f'Account::"{account(number)}"', "action": 'Action::"associate"',
            "resource": f'Record::"{address(number)}"', "context": {"purpose": PURPOSE},
        }  # fmt: skip
        return bool(cedarpy.is_authorized(request, CEDAR, entities).allowed)

    return ask


ENGINES: dict[str, Callable[[], Callable[[int], bool]]] = {
    f"pycasbin Enforcer, {LINKS:,} links": lambda: casbin_of("Enforcer"),
    f"pycasbin FastEnforcer, {LINKS:,} links": lambda: casbin_of("FastEnforcer"),
    "cedarpy, entities of the one question": cedar,
}


def main() -> None:
    """Decide, and print what it took as JSON."""
    name, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if name == "names":
        print(json.dumps(list(ENGINES)))
        return
    ask, rng = ENGINES[name](), random.Random(seed)  # noqa: S311 - a benchmark, not secrecy
    numbers = [rng.randrange(LINKS * 10 // 7) for _ in range(count)]
    if [ask(number) for number in (0, LINKS - 1, LINKS)] != [True, True, False]:
        raise SystemExit(f"{name} does not decide as it should")
    began, computed = time.perf_counter(), time.process_time()
    for number in numbers:
        ask(number)
    print(json.dumps({"count": count, "wall": time.perf_counter() - began, "cpu": time.process_time() - computed}))


if __name__ == "__main__":
    main()
