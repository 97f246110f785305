// Package mailhtml makes the HTML of a mail safe to show, turns it into readable text, and turns text into HTML.
//
// A [Sanitizer] reads whatever a stranger sent and writes HTML that holds only elements, attributes, addresses and styles
// from lists in this package. Scripts, frames, objects, SVG, MathML, event handlers and every address that isn't a web
// page, a mail address or a telephone number are gone; forms are too unless they are asked for. Images are a decision of
// the program: a function sees each address, of <img>, of background attributes and of style sheets, and says what to load
// in its place. Without that function nothing is ever loaded from elsewhere.
//
// What newsletters live on stays: tables, inline styles, style sheets with their media queries, background colours. Style
// sheets are read by a tokenizer of this package, so that escapes, comments and unclosed strings are understood before
// anything is judged, and are written anew.
//
// The output is written from a stack of open elements in a form that an HTML parser reads back without repairing anything:
// what was judged is what a browser sees, and sanitizing twice changes nothing. Time and memory are linear in the input and
// bounded by [Limits]; no input is an error.
//
// Safe HTML is one wall. A page should have the second one as well: show it in a frame with the sandbox attribute and a
// Content-Security-Policy, or at least within an element that has "overflow: auto; contain: content".
package mailhtml
