// The end of a stage's module, behind the stage's own files, which say in `begin` what is drawn.

const render = (view) => stage(view, begin);

export default { render };
