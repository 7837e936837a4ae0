"""mimesis, with one provider per topic, as in its documentation. Argument: rows."""

import sys
from importlib.metadata import version

from mimesis import Address, Locale, Person
from rows import run, updated_at

PERSON = Person(Locale.EN, seed=1)
ADDRESS = Address(Locale.EN, seed=1)


def customer(sequence: int) -> dict:
    return {
        "op": "I",
        "customer_id": sequence + 1,
        "first_name": PERSON.first_name(),
        "last_name": PERSON.last_name(),
        "email": PERSON.email(),
        "phone": PERSON.phone_number(),
        "street": ADDRESS.address(),
        "city": ADDRESS.city(),
        "state": ADDRESS.state(abbr=True),
        "postal_code": ADDRESS.zip_code(),
        "country": "US",
        "updated_at": updated_at(sequence),
        "sequence": sequence,
    }


run("mimesis " + version("mimesis"), int(sys.argv[1]), customer)
