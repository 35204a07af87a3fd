package assess

// tableChecks are about what kind of tables they are.
var tableChecks = []check{
	{[]*Hazard{extensionMember}, lookExtensions},
	{[]*Hazard{unfit, changeRows}, lookChanges},
	{[]*Hazard{changeIndex}, lookChangeIndexes},
	{[]*Hazard{lookupIndex}, lookLookupIndexes},
	{[]*Hazard{changeCheck}, lookChangeChecks},
	{[]*Hazard{changeColumn}, lookChangeColumns},
}
