package assess

// breakChecks are about what depends on the names and does not follow.
var breakChecks = []check{
	{[]*Hazard{functionBody, triggerArgument}, lookBodies},
	{[]*Hazard{ShownNames}, lookShown},
	{[]*Hazard{publication}, lookPublications},
}
