package mailhtml

// property says whether a style may be set. Not here on purpose: position, top, left, z-index, transform, clip and filter
// (move things over others or over the page), content, behavior, -moz-binding, animation, transition, cursor, pointer-events, all, zoom and custom
// properties, whose values only a browser knows.
func property(name string) bool {
	switch name {
	case "align-items", "align-content", "align-self", "justify-content", "justify-items", "justify-self", "flex",
		"flex-basis", "flex-direction", "flex-flow", "flex-grow", "flex-shrink", "flex-wrap", "gap", "row-gap", "column-gap",
		"order", "grid-template-columns", "grid-template-rows", "grid-column", "grid-row", "grid-gap":
		return true
	case "background", "background-color", "background-image", "background-position", "background-repeat",
		"background-size", "background-clip", "background-origin", "background-attachment":
		return true
	case "border", "border-top", "border-right", "border-bottom", "border-left", "border-color", "border-style",
		"border-width", "border-top-color", "border-right-color", "border-bottom-color", "border-left-color",
		"border-top-style", "border-right-style", "border-bottom-style", "border-left-style", "border-top-width",
		"border-right-width", "border-bottom-width", "border-left-width", "border-radius", "border-top-left-radius",
		"border-top-right-radius", "border-bottom-left-radius", "border-bottom-right-radius", "border-collapse",
		"border-spacing", "outline", "outline-color", "outline-style", "outline-width", "box-shadow":
		return true
	case "margin", "margin-top", "margin-right", "margin-bottom", "margin-left", "padding", "padding-top", "padding-right",
		"padding-bottom", "padding-left", "margin-inline", "margin-block", "padding-inline", "padding-block":
		return true
	case "width", "min-width", "max-width", "height", "min-height", "max-height", "box-sizing", "-webkit-box-sizing",
		"-moz-box-sizing", "aspect-ratio", "object-fit", "object-position", "display", "visibility", "overflow",
		"overflow-x", "overflow-y", "float", "clear", "opacity", "vertical-align", "caption-side", "empty-cells",
		"table-layout", "columns", "column-count", "column-width", "column-rule":
		return true
	case "color", "color-scheme", "supported-color-schemes", "font", "font-family", "font-size", "font-style",
		"font-variant", "font-weight", "font-stretch", "line-height", "letter-spacing", "word-spacing", "text-align",
		"text-align-last", "text-decoration", "text-decoration-color", "text-decoration-line", "text-decoration-style",
		"text-decoration-thickness", "text-indent", "text-overflow", "text-shadow", "text-transform", "text-underline-offset",
		"text-size-adjust", "-webkit-text-size-adjust", "-ms-text-size-adjust", "-moz-text-size-adjust",
		"-webkit-font-smoothing", "-webkit-text-fill-color", "white-space", "word-break", "word-wrap", "overflow-wrap",
		"hyphens", "-webkit-hyphens", "-ms-hyphens", "-moz-hyphens", "direction", "unicode-bidi", "writing-mode", "quotes", "tab-size",
		"orphans", "widows", "page-break-after", "page-break-before", "page-break-inside", "break-inside", "line-break":
		return true
	case "list-style", "list-style-image", "list-style-position", "list-style-type":
		return true
	case "-ms-interpolation-mode", "mso-table-lspace", "mso-table-rspace", "mso-line-height-rule", "mso-hide":
		return true // nothing to browsers, but a reply may be read in Outlook
	}
	return false
}

// cssFunction says whether a function may stand in a value; none of these loads anything.
func cssFunction(name string) bool {
	switch name {
	case "rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "calc", "min", "max", "clamp", "repeat", "minmax",
		"linear-gradient", "radial-gradient", "repeating-linear-gradient", "repeating-radial-gradient", "conic-gradient",
		"-webkit-linear-gradient", "-moz-linear-gradient", "-o-linear-gradient", "light-dark":
		return true
	}
	return false
}

// loads says whether a property may hold an image.
func loads(name string) bool {
	switch name {
	case "background", "background-image", "list-style", "list-style-image":
		return true
	}
	return false
}

// movable are properties whose negative values pull content out of its place.
func movable(name string) bool {
	switch name {
	case "margin", "margin-top", "margin-right", "margin-bottom", "margin-left", "margin-inline", "margin-block",
		"text-indent", "letter-spacing", "word-spacing":
		return true
	}
	return false
}
