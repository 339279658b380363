"""The versions of a dimension: the list, one of them, some side by side, and approving, rejecting, letting on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contender.registry import Role, Status
from contender.studio.reading.versions import ROWS
from contender.studio.views.confusion import matrix
from contender.trials.record import Outcome
from tests.lambdas.fakes import client_error
from tests.studio.account import Ran, Site, record

MOST_CALLS = 30
MEASURED: dict[str, Any] = {
    "auc": {"value": 0.91, "standard_deviation": 0.01},
    "accuracy": {"value": 0.83, "standard_deviation": 0.02},
    "log_loss": {"value": 0.4, "standard_deviation": 0.03},
    "confusion_matrix": {"0": {"0": 70, "1": 10}, "1": {"0": 5, "1": 15}},
    "receiver_operating_characteristic_curve": {
        "false_positive_rates": [0.0, 0.2, 1.0],
        "true_positive_rates": [0.0, 0.8, 1.0],
    },
}
REPORT: dict[str, Any] = {
    "dataset": {"item_count": 100, "positive_count": 20},
    "binary_classification_metrics": MEASURED,
    "champion": {"version": "1", **MEASURED},
    "difference": {
        "auc": 0.01,
        "lower": -0.02,
        "upper": 0.04,
        "p_value": 0.4,
        "confidence": 0.95,
        "standard_error": 0.01,
    },
    "gate": {
        "passed": True,
        "reason": "Passed: AUC is high",
        "rules": {"auc": {"figure": 0.91, "limit": 0.75, "verdict": "passed", "sentence": "AUC <is> high"}},
    },
}


def registered(site: Site, count: int = 1, approval: str = "Approved", **cycle: str) -> list[str]:
    """ARNs of versions of dimension A with an evaluation report each; `cycle`: their Stage and StageStatus."""
    arns = []
    for _ in range(count):
        arn = site.account.register("contender-A", approval, cycle or None)
        number = arn.rpartition("/")[2]
        site.reports.reports[f"{number}.json"] = REPORT
        source = {"ContentType": "application/json", "S3Uri": f"s3://artifacts/{number}.json"}
        site.account.packages[arn] |= {
            "ModelMetrics": {"ModelQuality": {"Statistics": source}, "Bias": {"Report": source}},
            "CustomerMetadataProperties": {
                "dataUri": 's3://data/data/A/<b>"x"</b>.csv',
                "executionArn": Ran(int(number)).arn,
            },
        }
        arns.append(arn)
    return arns


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def staged(tmp_path: Path) -> Site:
    return Site(tmp_path, "stages: {dev: {approval: manual}, prod: {}}")


def calls(site: Site) -> int:
    return len(site.account.process.calls) + site.reports.read


def test_versions_are_listed_newest_first_with_role_metrics_gate_and_execution(site: Site) -> None:
    registered(site, Stage="Champion", StageStatus="InService")
    registered(site, 1, "PendingManualApproval")
    page = site.get("/dimensions/A/models")
    assert page.index("version-2") < page.index("version-1")
    for text in ("Champion", "PendingManualApproval", "0.9100", "0.8300", "0.4000", "passed"):
        assert text in page
    assert f'href="/executions/contender/{2:012d}"' in page


def test_a_page_of_many_versions_takes_few_calls_and_the_next_look_fewer(site: Site) -> None:
    registered(site, ROWS + 1)
    page = site.get("/dimensions/A/models")
    assert calls(site) <= MOST_CALLS
    assert page.count('<tr id="version-') == ROWS
    assert 'id="version-1"' not in page
    assert 'id="version-1"' in site.get("/dimensions/A/models?page=2")
    site.wait(60)
    before = site.reports.read, site.account.process.calls.count("DescribeModelPackage")
    site.get("/dimensions/A/models")
    assert (site.reports.read, site.account.process.calls.count("DescribeModelPackage")) == before


def test_refused_challengers_are_in_a_section_of_their_own(site: Site) -> None:
    registered(site)
    site.account.keep(record(Ran(7), Outcome.REFUSED, 0.6, reason="Refused: AUC is low"))
    site.account.keep(record(Ran(8, dimension="B"), Outcome.REFUSED))
    page = site.get("/dimensions/A/models").partition("Refused challengers")[2]
    assert "Refused: AUC is low" in page
    assert f"/executions/contender/{7:012d}" in page
    assert f"{8:012d}" not in page


def test_a_dimension_without_versions_says_how_it_gets_one(site: Site) -> None:
    assert "contender data upload" in site.get("/dimensions/B/models")
    assert "has no versions yet" in site.get("/dimensions/B/models/1", 404)
    assert "nothing to compare yet" in site.get("/dimensions/B/models/compare")
    assert "cannot be a name" in site.get("/dimensions/a_b/models", 404)


def test_a_version_shows_everything_and_runs_nothing(site: Site) -> None:
    registered(site, 2)
    page = site.get("/dimensions/A/models/2")
    for text in (
        "champion v1",
        "AUC &lt;is&gt; high",
        "s3://data/data/A/&lt;b&gt;&#34;x&#34;&lt;/b&gt;.csv",
        "Bias · Report",
        "contender-A/2/model.tar.gz",
        "87.5%",
        "ROC curve",
    ):
        assert text in page
    assert "it has 1, 2" in site.get("/dimensions/A/models/9", 404)


def test_a_version_without_a_report_says_so(site: Site) -> None:
    site.account.register("contender-A")
    page = site.get("/dimensions/A/models/1")
    assert "There is no evaluation report" in page
    assert "somebody else registered it" in page


def test_an_older_report_without_curve_and_matrix_is_shown_as_far_as_it_goes(site: Site) -> None:
    registered(site)
    plain = {name: MEASURED[name] for name in ("auc", "accuracy", "log_loss")}
    site.reports.reports["1.json"] = {**REPORT, "binary_classification_metrics": plain, "champion": None}
    page = site.get("/dimensions/A/models/1")
    assert "holds no confusion matrix" in page
    assert "No curve was measured" in page


def test_the_champion_and_the_newest_challenger_are_compared_unless_others_are_named(site: Site) -> None:
    registered(site, 1, Stage="Champion", StageStatus="InService")
    registered(site, 1, Stage="Challenger", StageStatus="InService")
    registered(site, 1, Stage="Challenger", StageStatus="Failed")
    for number, eta in ((1, 0.2), (2, 0.3), (3, 0.2)):
        site.account.keep(
            record(Ran(number), auc=0.9 + number / 100, version=number, parameters={"hyperparameter.eta": eta})
        )
    page = site.get("/dimensions/A/models/compare")
    heads = page.partition("<thead>")[2].partition("</thead>")[0]
    assert (">v1<" in heads, ">v2<" in heads, ">v3<" in heads) == (True, True, False)
    assert '<tr class="differs"><th scope="row">hyperparameter.eta</th>' in page
    assert "0.92 ★" in page
    assert "v1 on the rows of v2" in page
    named = site.get("/dimensions/A/models/compare?v=3&v=1&v=nonsense").partition("<thead>")[2].partition("</thead>")[0]
    assert named.index(">v3<") < named.index(">v1<")
    assert "has no version 9" in site.get("/dimensions/A/models/compare?v=9", 404)


def test_a_version_that_waits_is_approved_or_rejected_with_a_reason(site: Site) -> None:
    first, second = registered(site, 2, "PendingManualApproval")
    page = "/dimensions/A/models"
    assert "v1 of A is approved" in site.send(page, f"{page}/1/approval", decision="approve")
    assert "v2 of A is rejected" in site.send(page, f"{page}/2/approval", decision="reject", reason="too\nslow")
    assert site.account.packages[first]["ModelApprovalStatus"] == "Approved"
    assert site.account.packages[second]["ModelApprovalStatus"] == "Rejected"
    assert site.account.packages[second]["ApprovalDescription"] == "too slow"


@pytest.mark.parametrize(
    ("cycle", "decision", "says"),
    [
        ({"Stage": "Challenger", "StageStatus": "InService"}, "approve", "is rolled out already: Challenger"),
        ({"Stage": "Challenger", "StageStatus": "Failed"}, "approve", "cannot be rolled out: it is Failed"),
        ({"Stage": "Retired", "StageStatus": "Removed"}, "reject", "there is nothing to reject"),
        ({"Stage": "Champion", "StageStatus": "InService"}, "reject", "is rolled out already (Champion, InService)"),
        ({"Stage": "Challenger", "StageStatus": "Pending"}, "perhaps", "choose whether to approve"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_one_line(
    site: Site, cycle: dict[str, str], decision: str, says: str
) -> None:
    waiting = registered(site, 1, "PendingManualApproval")
    registered(site, 1, **cycle)
    page = "/dimensions/A/models"
    answer = site.send(page, f"{page}/2/approval", decision=decision)
    assert answer.count('role="alert"') == 1
    assert says in answer.partition('role="alert"')[2].partition("</div>")[0]
    assert site.account.packages[waiting[0]]["ModelApprovalStatus"] == "PendingManualApproval"
    assert not site.account.made("UpdateModelPackage")


def test_whoever_may_not_act_has_no_forms_but_reads_what_to_do(tmp_path: Path) -> None:
    site = Site(tmp_path, allow_actions=False)
    registered(site, 1, "PendingManualApproval")
    page = site.get("/dimensions/A/models")
    assert "--allow-actions" in page
    assert 'method="post"' not in page
    assert site.ask("POST", "/dimensions/A/models/1/approval", {"decision": "approve"}).status_code == 403


def test_a_version_has_a_role_in_every_stage_and_goes_on_when_a_person_says_so(staged: Site) -> None:
    arn = registered(staged)[0]
    page = "/dimensions/A/models"
    dev = {"pk": {"S": "versions#contender--dev-A"}, "sk": {"S": f"{1:09d}"}}
    marked = {"role": Role.CHAMPION, "status": Status.IN_SERVICE, "reason": "serves", "changed_at": "2026-01-01T00:00Z"}
    staged.tables.put_item(
        TableName="contender-rollouts", Item={**dev, **{name: {"S": str(value)} for name, value in marked.items()}}
    )
    text = staged.get(page)
    assert "Let it go on to prod" in text
    assert "in stage dev: Champion, InService" in text
    answer = staged.send(page, f"{page}/1/approval", decision="approve", stage="dev")
    assert "v1 of A goes on to stage prod" in answer
    assert "Let it go on to prod" not in answer
    assert staged.lambdas.asked == [("contender-tick", {"Dimension": "A", "Stage": ""})]
    assert staged.account.packages[arn]["ModelApprovalStatus"] == "Approved"
    refused = staged.send(page, f"{page}/1/approval", decision="approve", stage="prod")
    assert "is the last one, nothing follows it" in refused


def test_shares_of_a_matrix_are_of_its_rows() -> None:
    found = matrix("v1", {"0": {"0": 3, "1": 1}, "1": {"0": 0, "1": 0}})
    assert found is not None
    assert [[(cell.count, cell.share, cell.shade) for cell in cells] for _, cells in found.rows] == [
        [(3, 0.75, 3), (1, 0.25, 1)],
        [(0, 0.0, 0), (0, 0.0, 0)],
    ]
    assert matrix("v1", {}) is None


def broken(report: Any) -> list[Any]:
    """The same report with each of its parts in turn gone, or something else."""
    if not isinstance(report, dict):
        return []
    found: list[Any] = []
    for key, value in report.items():
        rest = {name: each for name, each in report.items() if name != key}
        found += [rest, *({**report, key: other} for other in (None, [], {}, "NaN", float("nan"), 10**400, True))]
        found += [{**report, key: each} for each in broken(value)]
    return found


@pytest.mark.parametrize("address", ["", "/1", "/compare?v=1&v=2"])
def test_a_report_of_another_shape_is_shown_as_far_as_it_goes(site: Site, address: str) -> None:
    registered(site, 2)
    for report in (None, [], "no", {"regression_metrics": {"mse": {"value": 4.5}}}, *broken(REPORT)):
        site.reports.reports["1.json"] = report
        site.desk.kept.forget()
        site.get(f"/dimensions/A/models{address}")


def test_a_version_without_anything_of_ours_is_shown(site: Site) -> None:
    arn = registered(site)[0]
    for part in ("ModelMetrics", "CustomerMetadataProperties", "InferenceSpecification"):
        site.account.packages[arn].pop(part, None)
    for address in ("", "/1", "/compare?v=1"):
        assert "No such" not in site.get(f"/dimensions/A/models{address}")
    assert "somebody else registered it" in site.get("/dimensions/A/models/1")


def test_a_number_that_no_version_can_have_is_no_page(site: Site) -> None:
    registered(site)
    site.get(f"/dimensions/A/models/{'1' * 5000}", status=404)
    site.get(f"/dimensions/A/models/{'1' * 300}", status=404)


@pytest.mark.parametrize("address", ["", "/1"])
def test_a_report_that_may_not_be_read_leaves_the_rest_of_the_page(site: Site, address: str) -> None:
    registered(site)

    def refuses(**_: Any) -> Any:
        raise client_error("GetObject", "AccessDenied", "arn:aws:iam::123456789012:user/ada may not")

    site.reports.get_object = refuses
    page = site.get(f"/dimensions/A/models{address}")
    assert "The evaluation report of v1 could not be read. AWS does not allow GetObject" in page
    assert "Approved" in page
