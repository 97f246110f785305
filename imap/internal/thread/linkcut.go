package thread

// linkCut is a forest in which links come and go and the root of any node is found in logarithmic time, amortised
// (Sleator and Tarjan, A Data Structure for Dynamic Trees). Nodes are numbered from 1; 0 is none. It is the answer to "A is
// not a descendent of B" for chains of any length.
type linkCut struct {
	up   []int32    // parent in the splay tree, or path parent where this is the top of its splay tree
	down [][2]int32 // children in the splay tree: nearer the root, farther from it
}

func (t *linkCut) grow() {
	if len(t.up) == 0 {
		t.up, t.down = append(t.up, 0), append(t.down, [2]int32{})
	}
	t.up, t.down = append(t.up, 0), append(t.down, [2]int32{})
}

// top reports whether x is the root of its splay tree.
func (t *linkCut) top(x int32) bool {
	p := t.up[x]
	return p == 0 || t.down[p][0] != x && t.down[p][1] != x
}

func (t *linkCut) side(x int32) int {
	if t.down[t.up[x]][1] == x {
		return 1
	}
	return 0
}

func (t *linkCut) rotate(x int32) {
	p := t.up[x]
	g, s := t.up[p], t.side(x)
	if !t.top(p) {
		t.down[g][t.side(p)] = x
	}
	c := t.down[x][1-s]
	if t.down[p][s] = c; c != 0 {
		t.up[c] = p
	}
	t.down[x][1-s] = p
	t.up[p], t.up[x] = x, g
}

func (t *linkCut) splay(x int32) {
	for !t.top(x) {
		if p := t.up[x]; !t.top(p) {
			if t.side(x) == t.side(p) {
				t.rotate(p)
			} else {
				t.rotate(x)
			}
		}
		t.rotate(x)
	}
}

// access makes the path from the root to x one splay tree with x on top.
func (t *linkCut) access(x int32) {
	last := int32(0)
	for y := x; y != 0; y = t.up[y] {
		t.splay(y)
		t.down[y][1] = last
		last = y
	}
	t.splay(x)
}

// root returns the root of x's tree.
func (t *linkCut) root(x int32) int32 {
	t.access(x)
	for t.down[x][0] != 0 {
		x = t.down[x][0]
	}
	t.splay(x)
	return x
}

// link makes p the parent of x, which is a root of another tree.
func (t *linkCut) link(x, p int32) {
	t.access(x)
	t.up[x] = p
}

// cut takes x from its parent.
func (t *linkCut) cut(x int32) {
	t.access(x)
	if l := t.down[x][0]; l != 0 {
		t.up[l], t.down[x][0] = 0, 0
	}
}
