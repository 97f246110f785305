// Command pictures draws the course's pictures anew: each NAME.pic of this folder becomes NAME.svg, in English, and NAME.vi.svg, in Vietnamese.
//
//	go run ./docs/course/pictures [folder]
//
// A line of a .pic is a word, numbers, options, and, behind "|", what is written, first in English, then in Vietnamese if that differs; " / "
// begins another line.
//
//	size W H                       the first line
//	title | EN | VI                what the picture is called
//	desc | EN | VI                 what it shows, for who can't see it
//	zone X Y W H | …               a place that things are in, with its name at the top
//	box X Y W H [accent|soft] | …  a thing; its first line is bold
//	arrow X Y X2 Y2 [both] [dashed] [below] | …
//	                               from one thing to another; the text stands above its middle
//	text X Y [left] [bold] [mono] | …
//	                               words alone
//	# …                            is for the reader of the source
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	dir := "docs/course/pictures"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pic"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no .pic in %s; the command is run from the top of the repository", dir)
	}
	for _, file := range files {
		if err == nil {
			err = draw(file)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "pictures: %v\n", err)
		os.Exit(1)
	}
}

// draw writes the pictures of a file beside it.
func draw(file string) error {
	source, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for lang, suffix := range []string{".svg", ".vi.svg"} {
		svg, err := render(string(source), lang)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.WriteFile(strings.TrimSuffix(file, ".pic")+suffix, []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return nil
}
