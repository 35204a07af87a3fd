package assess

import (
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/rules"
)

func TestAppsWhoseStatementsWereRefusedAreFoundWithNumberAndTime(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop)
	c.phase = rules.Active
	at := time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
	c.fleet.clients = []Client{
		{PID: 1, User: "shop", Application: "web", Refused: Refused{Count: 2, Last: at, Reason: "the last"}},
		{PID: 2, User: "shop", Application: "web", Refused: Refused{Count: 1, Last: at.Add(-time.Hour), Reason: "earlier"}},
		{PID: 3, User: "shop", Application: "api"},
	}
	found := c.found(refusedStatements)
	if len(found) != 1 || found[0].Object != "app web (user shop)" || len(found[0].Sessions) != 2 ||
		found[0].Message != "3 statements were refused of it, the last one at 2026-11-29 08:00:00Z: the last" {
		t.Errorf("found %+v", found)
	}
}

func TestAppsThatHaveChosenNoVersionAndUseTheTablesAreFound(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop)
	c.phase = rules.Active
	c.fleet.uses = []Use{
		{Version: "base", Table: "public.individual", Column: "last_name", User: "shop", Application: "web", Last: time.Now()},
		{Version: "base", Table: "public.individual", User: "shop", Application: "gone"},
	}
	c.fleet.clients = []Client{
		{PID: 1, User: "shop", Application: "web", Instance: "a"}, {PID: 2, User: "shop", Application: "web", Instance: "b"},
		{PID: 3, User: "shop", Application: "idle"}, {PID: 4, User: "shop", Application: "new", Version: "people"},
	}
	found := c.found(unpinned)
	if len(found) != 1 || found[0].Object != "app web (user shop)" || len(found[0].Sessions) != 2 || !strings.Contains(found[0].Message, "public.individual.last_name") ||
		!strings.Contains(found[0].Hint, "segue.version=base") {
		t.Errorf("found %+v", found)
	}
	c.fleet.clients[0].Version, c.fleet.clients[1].Version = "base", "base"
	if found := c.found(unpinned); len(found) > 0 {
		t.Errorf("with all pinned there is %+v", found)
	}
}
