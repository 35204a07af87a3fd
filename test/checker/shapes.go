package checker

// Shapes are one of each.
func Shapes() []*Shape {
	return []*Shape{
		money(), moving(), repriced(), watched(), names(), triggered(), tags(), prices(), floats(), documents(), trimmed(), totals(), capped(),
		owners(), lookups(), paired(), pairedNames(), parts(), bins(), labelled(),
	}
}
