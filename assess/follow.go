package assess

// followChecks are about what depends on the tables and follows a rename by itself.
var followChecks = []check{
	{[]*Hazard{viewColumn}, lookViews},
}
