module.exports = {
  mode: 'development',
  entry: './src/index.js',
  devServer: { port: 'auto', static: './public' },
};
