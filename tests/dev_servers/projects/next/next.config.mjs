// The folder is the project, whatever lies above it.
export default { turbopack: { root: import.meta.dirname } };
