package vfs

// RenameFile is Rename of something that is known to be no folder, which spares the look whether a folder is in its way: half of
// what a rename costs on a file system in memory. A folder in the way is an error here, too.
func RenameFile(fsys FS, from, to string) error {
	if r, ok := fsys.(interface{ RenameFile(from, to string) error }); ok {
		return r.RenameFile(from, to)
	}
	return fsys.Rename(from, to)
}
