"""Write schemas/ from the code."""

import json
from pathlib import Path

from broker.web.openapi import openapi
from broker.web.schemas import schemas

FOLDER = Path(__file__).resolve().parents[1] / "schemas"


def documents() -> dict[str, str]:
    """Every file's name and content."""
    exported = {f"{name}.json": schema for name, schema in schemas().items()}
    return {
        name: json.dumps(document, indent=2) + "\n"
        for name, document in (exported | {"openapi.json": openapi()}).items()
    }


if __name__ == "__main__":
    for name, content in documents().items():
        (FOLDER / name).write_text(content)
        print(f"wrote schemas/{name}")
