"""The portals' codes → the closed vocabulary, by NIBRS where it is an offence (see `CrimeType`).

Codes are compared without regard to case, blanks and punctuation. A code that is not here counts as `other`, and is
counted by its name; the codes that the portals themselves call other are mapped, and are not.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import CrimeType as T
from streams.sources.columns import title_key

BLANK_CODE: Final = "(blank)"
OFFICER_TYPES: Final = frozenset({T.DRUGS, T.PROSTITUTION, T.TRAFFIC_STOP})
"""Enforcement that follows patrols, not crime; its reports get the call source OFFICER (warrants do, too)."""

CHICAGO: Final[Mapping[str, T]] = {
    "arson": T.ARSON,
    "assault": T.ASSAULT,
    "battery": T.ASSAULT,
    "burglary": T.BURGLARY,
    "concealed_carry_license_violation": T.WEAPONS,
    "crim_sexual_assault": T.SEX_OFFENSE,
    "criminal_abortion": T.GROUP_B,
    "criminal_damage": T.VANDALISM,
    "criminal_sexual_assault": T.SEX_OFFENSE,
    "criminal_trespass": T.GROUP_B,  # 90J
    "deceptive_practice": T.FRAUD,
    "domestic_violence": T.ASSAULT,
    "gambling": T.GAMBLING,
    "homicide": T.HOMICIDE,
    "human_trafficking": T.HUMAN_TRAFFICKING,
    "interference_with_public_officer": T.GROUP_B,  # 90Z
    "intimidation": T.ASSAULT,  # 13C
    "kidnapping": T.KIDNAPPING,
    "liquor_law_violation": T.GROUP_B,  # 90G
    "motor_vehicle_theft": T.MOTOR_VEHICLE_THEFT,
    "narcotics": T.DRUGS,
    "non_criminal": T.OTHER,
    "non_criminal_subject_specified": T.OTHER,
    "obscenity": T.PORNOGRAPHY,
    "offense_involving_children": T.GROUP_B,  # 90F
    "other_narcotic_violation": T.DRUGS,
    "other_offense": T.GROUP_B,  # 90Z
    "prostitution": T.PROSTITUTION,
    "public_indecency": T.GROUP_B,  # 90C
    "public_peace_violation": T.GROUP_B,  # 90C
    "ritualism": T.GROUP_B,
    "robbery": T.ROBBERY,
    "sex_offense": T.SEX_OFFENSE,
    "stalking": T.ASSAULT,  # 13C
    "theft": T.LARCENY,
    "weapons_violation": T.WEAPONS,
}
"""Primary types of the City of Chicago's crimes (ijzp-q8t2), all since 2001."""

SFPD_CATEGORIES: Final[Mapping[str, T]] = {
    "arson": T.ARSON,
    "assault": T.ASSAULT,
    "burglary": T.BURGLARY,
    "case_closure": T.OTHER,
    "civil_sidewalks": T.GROUP_B,  # 90Z
    "courtesy_report": T.SERVICE,
    "disorderly_conduct": T.GROUP_B,  # 90C
    "drug_offense": T.DRUGS,
    "drug_violation": T.DRUGS,
    "embezzlement": T.EMBEZZLEMENT,
    "family_offense": T.GROUP_B,  # 90F
    "fire_report": T.OTHER_FIRE,
    "forgery_and_counterfeiting": T.COUNTERFEITING,
    "fraud": T.FRAUD,
    "gambling": T.GAMBLING,
    "homicide": T.HOMICIDE,
    "human_trafficking": T.HUMAN_TRAFFICKING,
    "human_trafficking_a_commercial_sex_acts": T.HUMAN_TRAFFICKING,
    "human_trafficking_b_involuntary_servitude": T.HUMAN_TRAFFICKING,
    "human_trafficking_commercial_sex_acts": T.HUMAN_TRAFFICKING,
    "juvenile_offenses": T.GROUP_B,  # 90I 90Z
    "larceny_theft": T.LARCENY,
    "liquor_laws": T.GROUP_B,  # 90G
    "lost_property": T.SERVICE,
    "malicious_mischief": T.VANDALISM,
    "miscellaneous_investigation": T.OTHER,
    "missing_person": T.WELFARE_CHECK,
    "motor_vehicle_theft": T.MOTOR_VEHICLE_THEFT,  # also with the portal's question mark
    "non_criminal": T.OTHER,
    "offences_against_the_family_and_children": T.GROUP_B,  # 90F
    "other": T.OTHER,
    "other_miscellaneous": T.GROUP_B,  # 90Z: trespass, conspiracy, violations of probation
    "other_offenses": T.GROUP_B,  # 90Z
    "prostitution": T.PROSTITUTION,
    "rape": T.SEX_OFFENSE,
    "recovered_vehicle": T.SERVICE,  # its theft is a report of its own
    "robbery": T.ROBBERY,
    "sex_offense": T.SEX_OFFENSE,
    "stolen_property": T.STOLEN_PROPERTY,
    "suicide": T.WELFARE_CHECK,
    "suspicious": T.SUSPICIOUS,
    "suspicious_occ": T.SUSPICIOUS,
    "traffic_collision": T.TRAFFIC_COLLISION,
    "traffic_violation_arrest": T.TRAFFIC_STOP,
    "vandalism": T.VANDALISM,
    "vehicle_impounded": T.SERVICE,
    "vehicle_misplaced": T.SERVICE,
    "warrant": T.GROUP_B,  # 90Z
    "weapons_carrying_etc": T.WEAPONS,
    "weapons_offence": T.WEAPONS,
    "weapons_offense": T.WEAPONS,
}
"""Incident categories of the San Francisco Police Department (wg3w-h783), all since 2018."""

SFPD_CATCH_ALLS: Final = frozenset(
    {
        "",
        "disorderly_conduct",
        "family_offense",
        "juvenile_offenses",
        "offences_against_the_family_and_children",
        "other",
        "other_miscellaneous",
        "other_offenses",
    }
)
"""Categories that hold offences of many types: there the subcategory decides, where it is one of the following."""

SFPD_SUBCATEGORIES: Final[Mapping[str, T]] = {
    "bribery": T.BRIBERY,
    "child_abuse": T.ASSAULT,  # 13A-B
    "drug_violation": T.DRUGS,
    "extortion_blackmail": T.EXTORTION,
    "fraud": T.FRAUD,
    "intimidation": T.ASSAULT,  # 13C
    "kidnapping": T.KIDNAPPING,
    "larceny_theft_other": T.LARCENY,
    "stalking": T.ASSAULT,  # 13C
    "suspicious_occ": T.SUSPICIOUS,
    "suspicious_package": T.SUSPICIOUS,
    "vandalism": T.VANDALISM,
    "weapons_offense": T.WEAPONS,
}

SFFD: Final[Mapping[str, T]] = {
    "administrative": T.OTHER,
    "aircraft_emergency": T.RESCUE,
    "alarms": T.ALARM,
    "assist_police": T.SERVICE,
    "citizen_assist_service_call": T.SERVICE,
    "confined_space_structure_collapse": T.RESCUE,
    "electrical_hazard": T.HAZMAT,  # NFIRS series 400, hazardous condition
    "elevator_escalator_rescue": T.RESCUE,
    "explosion": T.OTHER_FIRE,
    "extrication_entrapped_machinery_vehicle": T.RESCUE,
    "fuel_spill": T.HAZMAT,
    "gas_leak_natural_and_lp_gases": T.HAZMAT,
    "hazmat": T.HAZMAT,
    "high_angle_rescue": T.RESCUE,
    "industrial_accidents": T.RESCUE,
    "lightning_strike_investigation": T.OTHER,
    "marine_fire": T.OTHER_FIRE,
    "medical_incident": T.MEDICAL,
    "mutual_aid_assist_outside_agency": T.SERVICE,
    "odor_strange_unknown": T.HAZMAT,
    "oil_spill": T.HAZMAT,
    "other": T.OTHER,
    "outside_fire": T.OTHER_FIRE,
    "smoke_investigation_outside": T.OTHER_FIRE,
    "structure_fire": T.STRUCTURE_FIRE,
    "structure_fire_smoke_in_building": T.STRUCTURE_FIRE,
    "suspicious_package": T.SUSPICIOUS,
    "traffic_collision": T.TRAFFIC_COLLISION,
    "train_rail_fire": T.OTHER_FIRE,
    "train_rail_incident": T.RESCUE,
    "transfer": T.SERVICE,
    "vehicle_fire": T.OTHER_FIRE,
    "water_rescue": T.RESCUE,
    "watercraft_in_distress": T.RESCUE,
}
"""Call types of the San Francisco Fire Department (nuek-vuh3), all since 2000."""


class TypeMap:
    """Looks codes up, and counts those that are not there."""

    def __init__(self, types: Mapping[str, T], unmapped: Counter[str]) -> None:
        """Use a map.

        Args:
            types: key of a code (`title_key`) → crime type.
            unmapped: grows by one for every row with a code that has none.
        """
        self._types = types
        self._unmapped = unmapped
        self._known: dict[str, T | None] = {}

    def __call__(self, code: str) -> T | None:
        """The crime type of a code, None where it has none."""
        try:
            found = self._known[code]
        except KeyError:
            found = self._known[code] = self._types.get(title_key(code))
        if found is None:
            self._unmapped[code or BLANK_CODE] += 1
        return found
