package assess

// breakChecks are about what depends on the names and does not follow.
var breakChecks = []check{
	{[]*Hazard{functionBody, triggerArgument}, lookBodies},
	{[]*Hazard{ShownNames}, lookShown},
	{[]*Hazard{dynamicSQL}, lookDynamic},
	{[]*Hazard{cronJob}, lookCron},
	{[]*Hazard{foreignTable}, lookForeignTables},
	{[]*Hazard{publication}, lookPublications},
	{[]*Hazard{subscription}, lookSubscriptions},
	{[]*Hazard{logicalSlot}, lookSlots},
}
