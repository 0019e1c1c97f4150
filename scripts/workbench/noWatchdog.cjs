// Stands in for `@vscode/native-watchdog`, which would have to be compiled: an extension host sees by itself that its server is gone.
exports.start = () => undefined;
exports.exit = (code) => process.exit(code ?? 0);
