import Foundation
import Testing

/// A driver of the test's own, in a folder of its own that goes with it.
final class FakeDriver: Sendable {
    static let hasCompiler = FileManager.default.isExecutableFile(atPath: "/usr/bin/cc")
    static let compilerMissing = Comment("/usr/bin/cc is missing, so no library can be made")

    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "inventory-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// A path at which nothing stands.
    var missingPath: String { path(of: "missing") }

    func path(of name: String) -> String { folder.appending(path: name).path }

    /// Compiles a library like `libnvidia-ml.so.1` whose behaviour the definitions change; gives its path.
    func library(_ definitions: [String] = []) throws -> String {
        let source = folder.appending(path: "nvml.c")
        let target = folder.appending(path: "libnvidia-ml.so.1").path
        try Self.source.write(to: source, atomically: true, encoding: .utf8)
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/cc")
        compiler.arguments = ["-shared", "-fPIC", "-o", target] + definitions.map { "-D\($0)" } + [source.path]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        return target
    }

    /// Writes a shell script as `nvidia-smi`; gives its path.
    func program(_ script: String) throws -> String {
        let path = folder.appending(path: "nvidia-smi").path
        try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    func contents(of name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// Two cards as a real library reports them; the second has no power limit.
    ///
    /// `LOG` gets a line at the end.
    private static let source = """
        #include <stdio.h>
        #include <string.h>
        #ifndef COUNT
        #define COUNT 2
        #endif
        #ifndef INIT
        #define INIT 0
        #endif
        #ifndef LOST
        #define LOST -1
        #endif
        #ifndef NAME
        #define NAME "NVIDIA GeForce RTX 4090"
        #endif
        struct memory { unsigned long long total, free, used; };
        static long id(void *device) { return (long)device - 1; }
        int nvmlInit_v2(void) { return INIT; }
        int nvmlShutdown(void) {
        #ifdef LOG
            FILE *log = fopen(LOG, "w");
            if (log) { fputs("shut down", log); fclose(log); }
        #endif
            return 0;
        }
        int nvmlDeviceGetCount_v2(unsigned *count) { *count = COUNT; return 0; }
        int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "550.54.15"); return 0; }
        int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
            if ((int)index == LOST) return 15;
            *device = (void *)(long)(index + 1);
            return 0;
        }
        int nvmlDeviceGetName(void *device, char *text, unsigned size) { snprintf(text, size, "%s", NAME); return 0; }
        #ifndef NOUUID
        int nvmlDeviceGetUUID(void *device, char *text, unsigned size) {
            snprintf(text, size, "GPU-%ld", id(device));
            return 0;
        }
        #endif
        int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
            memory->total = 24564ull << 20;
            return 0;
        }
        #ifndef BARE
        int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) { *major = 8; *minor = 9; return 0; }
        int nvmlDeviceGetPowerManagementLimit(void *device, unsigned *milliwatts) {
            if (id(device) == 1) return 3;
            *milliwatts = 450000;
            return 0;
        }
        int nvmlDeviceGetPciInfo_v3(void *device, char *info) {
            memset(info, 0, 68);
            snprintf(info + 36, 32, "00000000:0%ld:00.0", id(device) + 1);
            return 0;
        }
        #endif
        """
}
