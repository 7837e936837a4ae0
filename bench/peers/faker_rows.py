"""Python Faker, with the loop of its tutorials. Arguments: rows, then `unweighted` to draw all names with equal probability."""

import sys

import faker
from rows import run, updated_at

UNWEIGHTED = "unweighted" in sys.argv[2:]
FAKE = faker.Faker(use_weighting=not UNWEIGHTED)
faker.Faker.seed(1)


def customer(sequence: int) -> dict:
    return {
        "op": "I",
        "customer_id": sequence + 1,
        "first_name": FAKE.first_name(),
        "last_name": FAKE.last_name(),
        "email": FAKE.email(),
        "phone": FAKE.phone_number(),
        "street": FAKE.street_address(),
        "city": FAKE.city(),
        "state": FAKE.state_abbr(),
        "postal_code": FAKE.postcode(),
        "country": "US",
        "updated_at": updated_at(sequence),
        "sequence": sequence,
    }


LABEL = "Python Faker " + faker.VERSION + (", `use_weighting=False`" if UNWEIGHTED else ", loop of its tutorials")
run(LABEL, int(sys.argv[1]), customer)
