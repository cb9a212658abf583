// Command genproto compiles protobuf files to Go. It needs no protoc: the
// compiler is a library, and the Go plugin is a tool of this module, so that
// both versions stand in go.mod.
//
//	go run ./internal/tools/genproto -I docs/formats -out internal/formats profile.proto
//
// The files are named relative to the folder given with -I; what is written lies
// at the same relative place below -out.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	include := flag.String("I", ".", "`folder` that file names and imports are relative to")
	out := flag.String("out", ".", "`folder` to write to")
	flag.Parse()
	if err := generate(context.Background(), *include, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "genproto:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context, include, out string, names []string) error {
	if len(names) == 0 {
		return errors.New("no file named")
	}
	files, err := compile(ctx, include, names)
	if err != nil {
		return err
	}
	answer, err := plugin(ctx, &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      files,
	})
	if err != nil {
		return err
	}
	for _, f := range answer.GetFile() {
		path := filepath.Join(out, filepath.FromSlash(f.GetName()))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compile returns the descriptors of the named files, comments included, and of
// all that they import; what is imported comes first, as plugins demand.
func compile(ctx context.Context, include string, names []string) ([]*descriptorpb.FileDescriptorProto, error) {
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{include}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	linked, err := c.Compile(ctx, names...)
	if err != nil {
		return nil, err
	}
	var files []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		files = append(files, protoutil.ProtoFromFileDescriptor(f))
	}
	for _, f := range linked {
		add(f)
	}
	return files, nil
}

// plugin has protoc-gen-go, at the version of go.mod, write the code.
func plugin(ctx context.Context, question *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	in, err := proto.Marshal(question)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "protoc-gen-go")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("protoc-gen-go: %w", err)
	}
	var answer pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("protoc-gen-go: %w", err)
	}
	if msg := answer.GetError(); msg != "" {
		return nil, fmt.Errorf("protoc-gen-go: %s", msg)
	}
	return &answer, nil
}
