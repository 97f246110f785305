package mime

import "io"

func buildIndex(r io.ReaderAt, size int64, lim Limits) (*Index, error) {
	p := &Part{Body: Span{0, size}, Type: "text", Subtype: "plain", Encoding: "7bit", Envelope: &Envelope{}}
	return &Index{Size: size, Root: p}, nil
}
func filename(disp, ct []Param) string { return findParam(disp, "filename") }
