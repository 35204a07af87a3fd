package orm

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

func TestTypeORMSeesTheShopOfItsVersion(t *testing.T)   { inNode(t, "typeorm.js") }
func TestSequelizeSeesTheShopOfItsVersion(t *testing.T) { inNode(t, "sequelize.js") }
func TestKnexSeesTheShopOfItsVersion(t *testing.T)      { inNode(t, "knex.js") }

// inNode runs a program of testdata/node with the packages that its lock file pins.
func inNode(t *testing.T, file string) {
	t.Parallel()
	modules := nodeModules(t)
	inEachVersion(t, func(t *testing.T, db database) string {
		return printed(t, db, "", "", "env", "NODE_PATH="+modules, "NODE_NO_WARNINGS=1", "node", "testdata/node/"+file)
	})
}

// nodeModules is where test/setup.sh installs what the lock file pins.
func nodeModules(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("testdata/node/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	return filepath.Join(cache, "segue", "node-"+hex.EncodeToString(sum[:8]), "node_modules")
}
