from django.db import migrations, models

from ..names import COLUMN, QUOTED_COLUMN, QUOTED_TABLE, TABLE


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Individual", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("first_name", models.CharField(max_length=40)),
            ("family", models.CharField(max_length=40, default="Unknown", db_column=COLUMN)),
            ("email", models.TextField(unique=True, null=True)),
            ("born", models.DateField(null=True)),
            ("created_at", models.DateTimeField()),
        ], options={"db_table": TABLE, "indexes": [models.Index(fields=["family", "-first_name"], name="individual_by_name")]}),
        migrations.CreateModel("Order", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("person", models.ForeignKey(on_delete=models.CASCADE, related_name="orders", to="shop.individual")),
            ("state", models.CharField(default="new", max_length=10)),
            ("total", models.DecimalField(decimal_places=2, default=0, max_digits=10)),
            ("notes", models.JSONField(null=True)),
        ], options={"db_table": "orders"}),
        migrations.CreateModel("Line", [
            ("order", models.OneToOneField(db_column="OrderId", on_delete=models.DO_NOTHING, primary_key=True, serialize=False, to="shop.order")),
            ("line", models.IntegerField(db_column="Line", default=1)),
            ("quantity", models.IntegerField(db_column=QUOTED_COLUMN, default=1)),
            ("item", models.TextField(db_column="Item")),
        ], options={"db_table": QUOTED_TABLE}),
    ]
