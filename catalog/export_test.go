package catalog

// Age makes a catalog as it would be if so many more transactions had been since it was read.
func Age(c *Catalog, transactions int64) { c.horizon -= transactions }
