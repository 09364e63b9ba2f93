"""Simplifies meshes to what a small image can show. Pure numpy on a renderer's own copy of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

_FEW = 200
"""A mesh with at most this many triangles stays as it is."""
_MESH = 7
"""MuJoCo's `mjGEOM_MESH`."""
_ACROSS = 12
"""Fewest grid cells along the longest side of a mesh, so that small objects keep their shape."""


def coarsen(model: Any, moving_cell: float, fixed_cell: float) -> None:
    """Simplify the visual meshes of an `MjModel` by vertex clustering (Rossignac and Borrel 1993).

    Vertices in one grid cell are merged, and triangles that lose an edge are dropped.

    Args:
        moving_cell, fixed_cell: grid width for bodies that can move and for fixed bodies, m; 0: these meshes stay.
    """
    moving = _moving(model)
    for mesh in np.flatnonzero(model.mesh_facenum > _FEW):
        cell = moving_cell if mesh in moving else fixed_cell
        if not cell:
            continue
        positions = model.mesh_vert[_rows(model.mesh_vertadr[mesh], model.mesh_vertnum[mesh])]
        width = min(cell, float(np.ptp(positions, axis=0).max()) / _ACROSS)
        cells = np.floor(positions / width).astype(np.int64)
        _, first, cell_of = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        faces = _rows(model.mesh_faceadr[mesh], model.mesh_facenum[mesh])
        merged = first[cell_of.reshape(-1)][model.mesh_face[faces]]
        a, b, c = merged.T
        kept = np.flatnonzero((a != b) & (b != c) & (c != a))
        if not len(kept):  # the whole mesh is finer than the grid
            continue
        model.mesh_face[faces][: len(kept)] = merged[kept]
        for attribute in (model.mesh_facenormal, model.mesh_facetexcoord):
            attribute[faces][: len(kept)] = attribute[faces][kept]
        model.mesh_facenum[mesh] = len(kept)


def _moving(model: Any) -> set[int]:
    """Indices of the meshes whose bodies can move."""
    meshes = (model.geom_type == _MESH) & (model.body_weldid[model.geom_bodyid] != 0)
    return {int(mesh) for mesh in model.geom_dataid[meshes]}


def _rows(start: int, count: int) -> slice:
    return slice(int(start), int(start) + int(count))
