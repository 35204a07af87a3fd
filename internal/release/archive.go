package main

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"time"
)

// archive writes the files into an archive, under a folder: the same bytes for the same files.
func archive(file, folder string, when time.Time, files []string) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	zip, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(zip)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if filepath.Base(name) == "segue" {
			mode = 0o755
		}
		h := &tar.Header{
			Name: folder + "/" + filepath.Base(name), Size: int64(len(text)), Mode: mode, ModTime: when,
			Typeflag: tar.TypeReg, Format: tar.FormatPAX,
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(text); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return zip.Close()
}
