"""What MiniStack's RDS forgets of what it was told: a password that it keeps itself, logs, keys, windows."""

from typing import Any

from ministack.services import rds  # type: ignore[import-not-found]

created, modified, written = rds._create_db_instance_impl, rds._modify_db_instance, rds._instance_xml
REGION = "eu-central-1"
LOGS = "EnableCloudwatchLogsExports.member."
KEPT = ("PerformanceInsightsKMSKeyId", "PreferredBackupWindow", "PreferredMaintenanceWindow")


def create(told: dict[str, Any]) -> Any:
    """Make an instance, and keep what was told of it."""
    answer = created(told)
    keep(told)
    return answer


def modify(told: dict[str, Any]) -> Any:
    """Change an instance, and keep what was told of it."""
    answer = modified(told)
    keep(told)
    return answer


def keep(told: dict[str, Any]) -> None:
    """Put into an instance's record what was told of it."""
    found = rds._instances.get(rds._p(told, "DBInstanceIdentifier"))
    if found is None:
        return
    if rds._p(told, "ManageMasterUserPassword") == "true":
        found["_secret"] = {
            "SecretArn": f"arn:aws:secretsmanager:{REGION}:{rds.get_account_id()}:secret:rds!{found['DbiResourceId']}",
            "SecretStatus": "active",
            "KmsKeyId": rds._p(told, "MasterUserSecretKmsKeyId"),
        }
    found |= {name: rds._p(told, name) for name in KEPT if rds._p(told, name)}
    logs = [rds._p(told, f"{LOGS}{n}") for n in range(1, 5)]
    if any(logs):
        found["_logs"] = [each for each in logs if each]


def xml(found: dict[str, Any]) -> str:
    """Write an instance with what was kept."""
    text = str(written(found))
    logs = "".join(f"<member>{each}</member>" for each in found.get("_logs", ()))
    name = "EnabledCloudwatchLogsExports"
    text = text.replace(f"<{name}/>", f"<{name}>{logs}</{name}>")
    if key := found.get("PerformanceInsightsKMSKeyId"):
        text += f"<PerformanceInsightsKMSKeyId>{key}</PerformanceInsightsKMSKeyId>"
    if secret := found.get("_secret"):
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in secret.items())
        text += f"<MasterUserSecret>{inside}</MasterUserSecret>"
    return text


def mend() -> None:
    """Put this in the place of what MiniStack does."""
    rds._create_db_instance_impl, rds._modify_db_instance, rds._instance_xml = create, modify, xml
    rds._ACTION_MAP["ModifyDBInstance"] = modify
