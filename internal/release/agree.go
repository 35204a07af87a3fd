package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// version matches the tag of a release (semver.org).
var version = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

// agree checks that every place in the tree that tells the version tells that of the tag. All that differ are in the error.
func agree(tag string, read func(name string) ([]byte, error)) error {
	if !version.MatchString(tag) {
		return fmt.Errorf("the tag %s is no version such as v1.2.3", tag)
	}
	number := strings.TrimPrefix(tag, "v")
	var wrong []error
	check := func(name string, ok func(text string) error) {
		text, err := read(name)
		if err == nil {
			err = ok(string(text))
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
		}
	}
	check("CHANGELOG.md", func(text string) error { return inChangelog(text, number) })
	check("admin/openapi.json", func(text string) error {
		var doc struct{ Info struct{ Version string } }
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return err
		}
		if doc.Info.Version != number {
			return fmt.Errorf("info.version is %s, want %s", doc.Info.Version, number)
		}
		return nil
	})
	check("Dockerfile", inDockerfile)
	return errors.Join(wrong...)
}

// inChangelog looks for the section of the version, with its date and with something in it, as the first that has a number.
func inChangelog(text, number string) error {
	sections := regexp.MustCompile(`(?m)^## \[(\d[^\]]*)\](.*)$`).FindAllStringSubmatchIndex(text, -1)
	if len(sections) == 0 || text[sections[0][2]:sections[0][3]] != number {
		return fmt.Errorf("its newest section is not that of %s", number)
	}
	first := sections[0]
	if !regexp.MustCompile(`^ - \d{4}-\d{2}-\d{2}$`).MatchString(text[first[4]:first[5]]) {
		return fmt.Errorf("the section of %s has no date, such as \"## [%s] - 2026-12-01\"", number, number)
	}
	end := len(text)
	if len(sections) > 1 {
		end = sections[1][0]
	}
	if strings.TrimSpace(text[first[1]:end]) == "" {
		return fmt.Errorf("the section of %s is empty", number)
	}
	if _, rest, found := strings.Cut(text[:first[0]], "## [Unreleased]"); found && strings.TrimSpace(rest) != "" {
		return fmt.Errorf("something is still in the section Unreleased")
	}
	return nil
}

// inDockerfile checks that the image gets its version where the program does: from the argument.
func inDockerfile(text string) error {
	for _, line := range []string{"ARG VERSION", "main.release=${VERSION}", `LABEL org.opencontainers.image.version="${VERSION}"`} {
		if !strings.Contains(text, line) {
			return fmt.Errorf("%s is missing", line)
		}
	}
	return nil
}
