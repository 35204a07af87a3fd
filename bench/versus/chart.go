package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// Sizes of a chart, in pixels.
const (
	barHeight  = 9
	barGap     = 2
	groupGap   = 14
	labelWidth = 190
	plotWidth  = 560
	topHeight  = 64
)

// colours are those of the sides, in their order. They can be told apart without seeing red and green.
var colours = []string{"#999999", "#e69f00", "#000000", "#56b4e9", "#0072b2", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#7f6f5f"}

// chart draws the ratios of all combinations as bars, with lines for the quartiles, as an SVG.
func (r *result) chart(title string, of func(measurement) float64) []byte {
	most := 1.25
	for _, c := range r.Cells {
		for _, s := range r.Sides {
			if x, ok := c.against(s, of); ok {
				most = max(most, x.high)
			}
		}
	}
	scale := plotWidth / most
	group := len(r.Sides)*(barHeight+barGap) + groupGap
	columns := 3
	legend := (len(r.Sides) + columns - 1) / columns * 16
	height := topHeight + legend + len(r.Cells)*group
	var b bytes.Buffer
	text := func(x, y float64, anchor, s string) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="%s">`, x, y, anchor)
		_ = xml.EscapeText(&b, []byte(s)) // to a buffer
		b.WriteString("</text>\n")
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", labelWidth+plotWidth+60, height)
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	text(10, 18, "start", title)
	text(10, 34, "start", fmt.Sprintf("%s; %d rounds of %.0f s in turn; medians and quartiles", r.Machine, r.Rounds, r.Seconds))
	for i, s := range r.Sides {
		x, y := 10+float64(i%columns)*260, 44+float64(i/columns)*16
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="10" height="10" fill="%s"/>`+"\n", x, y, colours[i%len(colours)])
		text(x+14, y+9, "start", s)
	}
	top := float64(topHeight + legend)
	for at := 0.0; at <= most; at += 0.25 {
		x := labelWidth + at*scale
		width := 0.5
		if at == 1 {
			width = 1.5
		}
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%d" stroke="#888" stroke-width="%.1f"/>`+"\n", x, top-4, x, height, width)
		text(x, top-7, "middle", fmt.Sprintf("%.2f", at))
	}
	for i, c := range r.Cells {
		y := top + float64(i*group)
		text(labelWidth-8, y+float64(group-groupGap)/2+4, "end", c.String())
		for j, s := range r.Sides {
			x, ok := c.against(s, of)
			if !ok {
				continue
			}
			at := y + float64(j*(barHeight+barGap))
			fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n", labelWidth, at, x.median*scale, barHeight, colours[j%len(colours)])
			fmt.Fprintf(&b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#333"/>`+"\n", labelWidth+x.low*scale, at+barHeight/2.0, labelWidth+x.high*scale, at+barHeight/2.0)
			text(labelWidth+x.high*scale+4, at+barHeight-1, "start", fmt.Sprintf("%.2f", x.median))
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
