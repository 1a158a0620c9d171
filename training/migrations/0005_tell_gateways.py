"""Tell gateways at once when something that they know has changed (see training.selectors.changes)."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION odia_tell_gateways() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('odia_gateways', '');
    RETURN NULL;
END $$
"""
# Gateways write the use of keys themselves: only what they read of a key counts.
COLUMNS = {"training_apikey": " OF revoked_at, requests_per_minute"}
TABLES = (
    "curation_application",
    "curation_teacher",
    "training_alias",
    "training_apikey",
    "training_routingpolicy",
    "training_switchoff",
)
TRIGGER = """
CREATE TRIGGER odia_tell_gateways AFTER INSERT OR DELETE OR UPDATE{columns} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION odia_tell_gateways()
"""


class Migration(migrations.Migration):
    dependencies = [("training", "0004_trust")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION odia_tell_gateways"),
        *(
            migrations.RunSQL(
                TRIGGER.format(table=table, columns=COLUMNS.get(table, "")),
                f"DROP TRIGGER odia_tell_gateways ON {table}",
            )
            for table in TABLES
        ),
    ]
