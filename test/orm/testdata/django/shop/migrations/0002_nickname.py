from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("Individual", "nickname", models.CharField(max_length=20, null=True)),
        migrations.AddIndex("Individual", models.Index(fields=["nickname", "family"], name="individual_by_nickname")),
        migrations.AddIndex("Individual", models.Index(Lower("family"), name="individual_by_family", condition=models.Q(born__isnull=False))),
        migrations.AddConstraint("Individual", models.CheckConstraint(check=~models.Q(family="Nemo"), name="somebody")),
        migrations.CreateModel("Group", [
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("name", models.CharField(max_length=20, unique=True)),
            ("members", models.ManyToManyField(db_table="member", related_name="groups", to="shop.Individual")),
        ], options={"db_table": "club"}),
    ]
