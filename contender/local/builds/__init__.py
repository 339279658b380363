"""A git remote on this machine: a push runs the pushed commit's buildspec.yml as CodeBuild would.

git push ─► bare repository ─► post-receive hook: receiving.py ─► one build a push of the delivered branch
  build: wait for the one before ─► clean checkout ─► buildspec.py ─► phases.py, in one shell ─► how it ended

repository.py   the bare repository, its hook, and the remote's name in the project's own repository
receiving.py    what a push of which ref means; the pusher sees the build's lines as they come
folders.py      a folder for each build: its log, and build.json
build.py        one build, in a process of its own that a stopped push does not take along
surroundings.py the environment variables that CodeBuild sets
buildspec.py    buildspec.yml, read and checked
phases.py       which phase runs after which, as in CodeBuild
shell.py        one shell for all commands of a build
"""
