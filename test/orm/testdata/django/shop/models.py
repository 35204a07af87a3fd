"""The models of the app. Those that were there before Django are taken over with migrate --fake-initial."""
from django.db import models
from django.db.models.functions import Lower

from .names import COLUMN, QUOTED_COLUMN, QUOTED_TABLE, TABLE


class Individual(models.Model):
    first_name = models.CharField(max_length=40)
    family = models.CharField(max_length=40, default="Unknown", db_column=COLUMN)
    email = models.TextField(unique=True, null=True)
    born = models.DateField(null=True)
    created_at = models.DateTimeField()
    nickname = models.CharField(max_length=20, null=True)

    class Meta:
        db_table = TABLE
        indexes = [
            models.Index(fields=["family", "-first_name"], name="individual_by_name"),
            models.Index(fields=["nickname", "family"], name="individual_by_nickname"),
            models.Index(Lower("family"), name="individual_by_family", condition=models.Q(born__isnull=False)),
        ]
        constraints = [models.CheckConstraint(check=~models.Q(family="Nemo"), name="somebody")]


class Order(models.Model):
    person = models.ForeignKey(Individual, models.CASCADE, related_name="orders")
    state = models.CharField(max_length=10, default="new")
    total = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    notes = models.JSONField(null=True)

    class Meta:
        db_table = "orders"


class Line(models.Model):
    order = models.OneToOneField(Order, models.DO_NOTHING, db_column="OrderId", primary_key=True)
    line = models.IntegerField(db_column="Line", default=1)
    quantity = models.IntegerField(db_column=QUOTED_COLUMN, default=1)
    item = models.TextField(db_column="Item")

    class Meta:
        db_table = QUOTED_TABLE


class Group(models.Model):
    """A table that Django itself makes, with a reference to one that is renamed."""
    name = models.CharField(max_length=20, unique=True)
    members = models.ManyToManyField(Individual, related_name="groups", db_table="member")

    class Meta:
        db_table = "club"
