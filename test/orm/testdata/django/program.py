"""What a Django app does from its first start on, printed so that two runs can be compared."""
import datetime
import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(__file__))

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, connection, transaction  # noqa: E402
from django.db.models import Count, F, OuterRef, Q, Subquery, Sum, Value, Window  # noqa: E402
from django.db.models.functions import Concat, Lower, RowNumber, Upper  # noqa: E402
from shop.models import Group, Individual, Line, Order  # noqa: E402
from shop.names import COLUMN, QUOTED_TABLE, TABLE  # noqa: E402


def command(*args, **options):
    print("==", *args, flush=True)
    try:
        call_command(*args, stdout=sys.stdout, stderr=sys.stdout, no_color=True, **options)
    except SystemExit as e:
        print("exit", e.code)


def show(title, rows):
    print("==", title)
    for row in rows:
        print("   ", row)


def failing(title, work):
    try:
        with transaction.atomic():
            print("==", title, "no error", work())
    except DatabaseError as e:
        diag = e.__cause__.diag
        print("==", title, type(e).__name__, e, diag.table_name, diag.column_name, diag.constraint_name)


def introspection():
    inspect = connection.introspection
    with connection.cursor() as cursor:
        show("tables", sorted(inspect.get_table_list(cursor)))
        for table in (TABLE, QUOTED_TABLE, "orders", "visit"):
            show(table + " columns", [c for c in inspect.get_table_description(cursor, table) if c.name != "state"])  # its type is an OID
            show(table + " relations", sorted(inspect.get_relations(cursor, table).items()))
            show(table + " constraints", sorted(inspect.get_constraints(cursor, table).items()))
            show(table + " sequences", inspect.get_sequences(cursor, table))
            show(table + " key", [inspect.get_primary_key_column(cursor, table)])


def reading():
    people = Individual.objects.order_by("id")
    show("values", people.values())
    show("models", [(p.pk, p.first_name, p.family, p.nickname) for p in people])
    show("filters", people.filter(Q(family__icontains="o") | Q(family__startswith="L")).exclude(family__in=["Hopper"]).values_list("family", flat=True))
    show("across", Order.objects.filter(person__family="Lovelace").values("id", "person__family", "person__groups__name").order_by("id"))
    show("annotated", people.annotate(n=Count("orders"), spent=Sum("orders__total"), loud=Upper("family"), full=Concat("first_name", Value(" "), "family"))
         .values_list("full", "loud", "n", "spent").order_by("-n", "loud"))
    show("grouped", Individual.objects.values("family").annotate(n=Count("pk")).order_by("family"))
    show("windowed", Individual.objects.annotate(r=Window(RowNumber(), order_by=F("family").desc())).values_list("r", "family").order_by("r"))
    show("subquery", Order.objects.annotate(who=Subquery(Individual.objects.filter(pk=OuterRef("person")).values("family")[:1])).values_list("id", "who").order_by("id"))
    show("distinct", Individual.objects.order_by("family", "id").distinct("family").values_list("family", flat=True))
    show("dates", Individual.objects.dates("created_at", "month"))
    show("union", Individual.objects.values_list("family").union(Group.objects.values_list("name")).order_by("family"))
    show("only", [(p.family, p.first_name) for p in people.only("family")])
    show("deferred", [(p.family, p.first_name) for p in people.defer("family")])
    show("related", [(o.id, o.person.family) for o in Order.objects.select_related("person").order_by("id")])
    show("prefetched", [(p.family, [o.id for o in p.orders.all()]) for p in people.prefetch_related("orders")])
    show("server-side", [p.family for p in people.iterator(chunk_size=2)])
    show("raw", [(p.pk, p.family) for p in Individual.objects.raw("SELECT * FROM %s ORDER BY id" % TABLE)])
    show("lines", Line.objects.filter(quantity__gt=1).values("quantity", "item", "order__person__family").order_by("item"))
    show("explain", [people.filter(pk=1).exists()])


def writing():
    now = datetime.datetime(2026, 11, 22)
    alan = Individual.objects.create(first_name="Alan", family="Turing", created_at=now)
    print(alan.pk)
    made = Individual.objects.bulk_create([Individual(first_name="John", family=f, created_at=now) for f in ("Backus", "McCarthy", "von Neumann")])
    print([p.pk for p in made])
    for p in made:
        p.family += "!"
        p.nickname = p.family.lower()
    Individual.objects.bulk_update(made, ["family", "nickname"])
    Individual.objects.bulk_create([Individual(pk=alan.pk, first_name="x", created_at=now)], ignore_conflicts=True)
    print(Individual.objects.filter(family__contains="c").update(family=Lower("family")))
    print(Individual.objects.filter(pk=1).update(family=Concat("first_name", Value("'s "), "family")))
    print(Individual.objects.get_or_create(family="Naur", defaults={"first_name": "Peter", "created_at": now})[1])
    print(Individual.objects.update_or_create(family="Naur", defaults={"nickname": "bnf", "created_at": now})[1])
    with transaction.atomic():
        locked = Individual.objects.select_for_update(of=("self",)).select_related(None).get(family="Naur")
        locked.family = "Naur-Jensen"
        locked.save(update_fields=["family"])
    club = Group.objects.create(name="Turing laureates")
    club.members.add(alan, *made)
    Order.objects.create(person=alan, total=5, notes={"apple": 1})
    Line.objects.create(order=Order.objects.get(person=alan), quantity=4, item="apple")
    alan.refresh_from_db()
    print(alan.family, list(alan.groups.values_list("name", flat=True)))
    print(made[0].delete())
    print(Individual.objects.filter(family__startswith="v").delete())


def failures():
    now = datetime.datetime(2026, 11, 22)
    failing("check", lambda: Individual.objects.create(first_name="x", family="", created_at=now))
    failing("new check", lambda: Individual.objects.create(first_name="x", family="Nemo", created_at=now))
    failing("null", lambda: Individual.objects.create(first_name="x", family=None, created_at=now))
    failing("too long", lambda: Individual.objects.create(first_name="x", family="x" * 41, created_at=now))
    failing("foreign key", lambda: Order.objects.create(person_id=999) and connection.check_constraints())
    failing("unique", lambda: Individual.objects.create(first_name="x", email="ada@example.org", created_at=now))
    failing("no such column", lambda: list(Individual.objects.raw("SELECT nothing, %s FROM %s" % (COLUMN, TABLE))))


introspection()
command("inspectdb", include_partitions=True, include_views=True)
command("migrate", fake_initial=True, verbosity=1)
command("showmigrations")
command("makemigrations", check_changes=True, dry_run=True)
command("migrate", check_unapplied=True)
command("sqlmigrate", "shop", "0002")
reading()
writing()
failures()
reading()
command("dumpdata", indent=1)
command("sqlsequencereset", "shop")
command("inspectdb", TABLE, "club", "member")
command("migrate", "shop", "0001")
introspection()
command("flush", interactive=False, allow_cascade=True)
show("flushed", [Individual.objects.count()])
