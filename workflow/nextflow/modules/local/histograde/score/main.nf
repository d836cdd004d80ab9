process HISTOGRADE_SCORE {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "histograde:0.1.0"

    input:
    tuple val(meta), path(slide, stageAs: 'slides/*')
    path(sheet)

    output:
    tuple val(meta), path("${prefix}/slides/*/result.json")    , optional: true, emit: result
    tuple val(meta), path("${prefix}/slides/*/overview.png")   , optional: true, emit: overview
    tuple val(meta), path("${prefix}/slides/*/objects.geojson"), optional: true, emit: objects
    tuple val(meta), path("${prefix}.outcome.json")            , emit: outcome
    tuple val(meta), path("${prefix}")                         , emit: folder
    tuple val("${task.process}"), val('histograde'), eval("histograde --version | sed 's/histograde //'"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args   = task.ext.args ?: ''
    def memory = task.memory ? "--memory ${Math.max(128, task.memory.toMega() - 150)}M" : ''
    prefix     = task.ext.prefix ?: "${meta.id}"
    """
    histograde score --manifest ${sheet} --only ${meta.id} -o ${prefix} --outcome ${prefix}.outcome.json \\
        --threads ${task.cpus} ${memory} ${args} || { [ \$? -eq 1 ] && [ -s ${prefix}.outcome.json ]; }
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir -p ${prefix}/slides/${prefix}
    touch ${prefix}/slides/${prefix}/{result.json,overview.png,objects.geojson} ${prefix}.outcome.json
    """
}
