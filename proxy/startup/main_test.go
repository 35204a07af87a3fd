package startup

import (
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
