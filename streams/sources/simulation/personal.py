"""Made-up personal data for fields that a publisher should not have sent.

A privacy test publishes them and then looks for every one of `VALUES` in all that Vigil sends, shows and logs. None
of it belongs to anybody: numbers are of the range set aside for fiction (555-01xx), the domain is reserved.
"""

from typing import Final

from streams.sources.simulation.draws import Uniform

_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "caller_name": ("Quilla Thornbury", "Ozric Fenwhistle", "Maribel Vandersloot", "Tobin Ashgrove"),
    "caller_phone": ("+1-202-555-0143", "+1-202-555-0178", "+1-202-555-0112"),
    "license_plate": ("ZQX-0417", "VJK-9920", "WPL-3381"),
    "address": ("17 Larkspur Hollow Rd", "2204 Old Tannery Ln", "9 Copperfield Mews"),
    "email": ("quilla@thornbury.example", "tobin@ashgrove.example"),
    "date_of_birth": ("1911-11-30", "1913-02-03"),
    "narrative": ("neighbour Ozric says the blue gate was forced", "asked for Maribel at the side door"),
}

VALUES: Final = frozenset(value for values in _FIELDS.values() for value in values)
"""Every value that can have been planted."""


def personal_extras(uniform: Uniform) -> dict[str, str]:
    """Extra fields of one message."""
    return {name: values[int(uniform() * len(values))] for name, values in _FIELDS.items()}
