package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A disk is a small file system of a node's own, and the controls of tests/fault/disk_fault.c over it.
type disk struct {
	folder  string // where it is mounted; the node's data folder is below
	control string
	words   []byte
}

func newDisk(folder string, sizeMB int) (*disk, error) {
	d := &disk{folder: folder, control: folder + ".control"}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", sizeMB)); err != nil {
		return nil, fmt.Errorf("mount a small disk at %s: %w", folder, err)
	}
	file, err := os.OpenFile(d.control, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := file.Truncate(16); err != nil {
		return nil, err
	}
	d.words, err = unix.Mmap(int(file.Fd()), 0, 16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return d, err
}

func (d *disk) word(at int) *uint32 { return (*uint32)(unsafe.Pointer(&d.words[4*at])) }

func (d *disk) slow(ms uint32) { atomic.StoreUint32(d.word(0), ms) }

// fail makes the nth next call on the disk fail with EIO; 0 ends that.
func (d *disk) fail(nth uint32) {
	atomic.StoreUint32(d.word(2), uint32(unix.EIO))
	atomic.StoreUint32(d.word(1), nth)
}

func (d *disk) failed() uint32 { return atomic.LoadUint32(d.word(3)) }

func (d *disk) data() string { return filepath.Join(d.folder, "data") }

// fill leaves no room but the given bytes; drain gives it back.
func (d *disk) fill(left int64) error {
	file, err := os.OpenFile(filepath.Join(d.folder, "ballast"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	// The node writes meanwhile: what was free a moment ago may not be any more.
	for range 100 {
		var space unix.Statfs_t
		if err := unix.Statfs(d.folder, &space); err != nil {
			return err
		}
		size := int64(space.Bavail)*int64(space.Bsize) - left
		if size <= 0 {
			return nil
		}
		if err = unix.Fallocate(int(file.Fd()), 0, 0, size); !errors.Is(err, unix.ENOSPC) {
			return err
		}
	}
	return err
}

func (d *disk) drain() { _ = os.Remove(filepath.Join(d.folder, "ballast")) }

func (d *disk) wipe() error { return os.RemoveAll(d.data()) }

// flip one bit of one file that holds state: log, metadata, snapshot or database. Says which.
func (d *disk) flip(random *rand.Rand) (string, error) {
	var files []string
	_ = filepath.WalkDir(d.data(), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		name := entry.Name()
		if strings.Contains(path, "/raft/") || strings.HasPrefix(name, "state.db") {
			if info, err := entry.Info(); err == nil && info.Size() > 0 && name != "lock" {
				files = append(files, path)
			}
		}
		return nil
	})
	if len(files) == 0 {
		return "", os.ErrNotExist
	}
	path := files[random.IntN(len(files))]
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	at := random.Int64N(info.Size())
	var one [1]byte
	if _, err := file.ReadAt(one[:], at); err != nil {
		return "", err
	}
	one[0] ^= 1 << random.IntN(8)
	_, err = file.WriteAt(one[:], at)
	return fmt.Sprintf("%s byte %d of %d", strings.TrimPrefix(path, d.folder+"/"), at, info.Size()), err
}

func (d *disk) close() {
	if d.words != nil {
		_ = unix.Munmap(d.words)
	}
	_ = unix.Unmount(d.folder, unix.MNT_DETACH)
	_ = os.Remove(d.control)
}
