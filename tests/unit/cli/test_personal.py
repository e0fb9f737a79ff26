"""What holds personal data is shown where people look: the plan, one node of it, and what a change touches."""

import json

from tests.unit.cli.conftest import Desk

P, SOURCE = "projects/shop/project.yaml", "    path: data/orders.csv\n"
MARK = "shop/data_source/orders.customer"


def test_the_plan_has_the_column_where_something_is_marked(desk: Desk) -> None:
    assert "personal" not in desk.command("plan").out
    desk.files.edit(P, SOURCE, SOURCE + "    personal: [customer]\n")
    lines = desk.command("plan").out.splitlines()
    assert "personal" in lines[0]
    marked = {line.split("\t")[0] for line in lines if "\tpersonal data\t" in line}
    assert {"shop/data_source/orders", "shop/model/spend", "shop/serving_application/spend"} <= marked
    assert "shop/entity/customer" not in marked
    node = json.loads(desk.command("plan", "--node", "shop/model/spend", "--json").out)
    assert node["properties"]["personal"] == [MARK]


def test_impact_names_it(desk: Desk) -> None:
    desk.files.edit(P, SOURCE, SOURCE + "    personal: [customer]\n")
    found = json.loads(desk.command("impact", "sources/orders", "--json").out)
    assert found["personal"]["shop/data_source/orders"] == [MARK]
    assert found["personal"]["shop/serving_application/spend"] == [MARK]
    told = desk.command("impact", "sources/orders").out
    assert f"a change of shop/data_source/orders (personal data: {MARK}) touches" in told
    assert "personal data" in next(line for line in told.splitlines() if "shop/serving_application/spend" in line)
